#include "shell/command.h"

#include <fmt/format.h>

#include <algorithm>

#include "shell/text.h"

namespace sts::shell {

const Command* find_command(const std::vector<Command>& commands, std::string_view name) {
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [&](const Command& command) { return command.name == name; });
  return found == commands.end() ? nullptr : &*found;
}

Error unknown_command(std::string_view name) {
  return {Errc::bad_input, fmt::format("unknown command '{}'", printable(name)),
          name == "quit" ? "'exit' leaves the shell"
                         : "'help' lists the commands; a program of the host runs with '!' in "
                           "front"};
}

CommandLine parse_command_line(std::string_view line) {
  const auto from = line.find_first_not_of(" \t\r");
  if (from == std::string_view::npos || line[from] == '#') return {};
  line.remove_prefix(from);
  if (line.front() == '!') return {line.substr(0, 1), line.substr(1), true};
  const auto blank = line.find_first_of(" \t");
  if (blank == std::string_view::npos) return {trim(line), {}, false};
  return {line.substr(0, blank), line.substr(blank + 1), true};
}

Result<const Command*> resolve(const std::vector<Command>& commands, const CommandLine& line) {
  if (line.name.empty()) return nullptr;
  const Command* command = find_command(commands, line.name);
  if (command == nullptr) {
    return tl::unexpected(unknown_command(line.name));
  }
  const bool wanted = !command->arguments.empty() && command->arguments.front() != '[';
  if (wanted && !line.has_arguments) {
    return fail(Errc::bad_input,
                fmt::format("{}: {} is missing", command->name, command->arguments),
                fmt::format("'help {}' tells what {} is", command->name, command->arguments));
  }
  if (command->arguments.empty() && !trim(line.arguments).empty()) {
    return fail(Errc::bad_input, fmt::format("{}: takes no arguments", command->name),
                fmt::format("type only '{}'", command->name));
  }
  return command;
}

}  // namespace sts::shell
