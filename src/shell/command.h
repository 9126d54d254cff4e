// The table of commands: plain data that main() puts together.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sts::shell {

class Shell;

enum class Completion { none, command, path };

/// One command. Its texts live as long as the program.
struct Command {
  std::string_view name;       // what people type; no blanks
  std::string_view arguments;  // as usage shows them: "CONFIG", "[COMMAND]"; empty: takes none
  std::string_view summary;    // one line for the list of all
  std::string_view details;    // more, for `help NAME`; lines, without a newline at the end
  Completion completion = Completion::none;
  /// Carries it out. `arguments` is the rest of the line after one blank, exactly; it is given
  /// where the table demands arguments, and empty where the table has none. Returns at once: what
  /// takes time goes on by Shell::wait(). An error is shown by the shell.
  std::function<Result<void>(Shell&, std::string_view arguments)> run;
  /// What Tab offers for the arguments, where `completion` has no name for it.
  std::function<std::vector<std::string>(Shell&)> words = {};
};

/// nullptr where there is none of that name.
const Command* find_command(const std::vector<Command>& commands, std::string_view name);

/// A command line, taken apart: "NAME", then after one blank the arguments, exactly. Of "!ls" the
/// name is "!" and "ls" the arguments.
struct CommandLine {
  std::string_view name;
  std::string_view arguments;
  bool has_arguments = false;
};

/// That there is no command `name`, with what comes nearest as the hint.
Error unknown_command(std::string_view name);

/// Views into `line`. The name is empty for a blank line and for a comment ("#" in front).
CommandLine parse_command_line(std::string_view line);

/// The command that `line` names, or the error that names what is wrong with it: unknown, an
/// argument missing or too many. nullptr: there is nothing to do.
Result<const Command*> resolve(const std::vector<Command>& commands, const CommandLine& line);

}  // namespace sts::shell
