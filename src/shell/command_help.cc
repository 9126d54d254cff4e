#include <fmt/format.h>

#include <algorithm>

#include "shell/commands.h"
#include "shell/shell.h"
#include "shell/text.h"

namespace sts::shell {
namespace {

std::string usage(const Command& command) {
  if (command.arguments.empty()) return std::string(command.name);
  return fmt::format("{}{}{}", command.name, command.name == "!" ? "" : " ", command.arguments);
}

void print_all(Shell& shell) {
  std::size_t width = 0;
  for (const Command& command : shell.commands()) width = std::max(width, usage(command).size());
  for (const Command& command : shell.commands()) {
    shell.print(fmt::format("  {:<{}}  {}", usage(command), width, command.summary));
  }
  shell.print("'help COMMAND' tells more about one.");
}

Result<void> run_help(Shell& shell, std::string_view arguments) {
  const std::string_view name = trim(arguments);
  if (name.empty()) {
    print_all(shell);
    return {};
  }
  const Command* command = find_command(shell.commands(), name);
  if (command == nullptr) {
    return tl::unexpected(unknown_command(name));
  }
  shell.print(fmt::format("{}: {}", usage(*command), command->summary));
  if (!command->details.empty()) shell.print(command->details);
  return {};
}

}  // namespace

Command help_command() {
  return {"help", "[COMMAND]",         "show all commands, or more about one",
          "",     Completion::command, run_help};
}

}  // namespace sts::shell
