#include "shell/commands.h"
#include "shell/shell.h"

namespace sts::shell {

Command exit_command() {
  return {"exit",
          "",
          "stop the session and leave the shell",
          "The end of the input (Ctrl-D on a terminal) does the same. In a script the exit code\n"
          "is 1 if any command failed.",
          Completion::none,
          [](Shell& shell, std::string_view) -> Result<void> {
            shell.end(0);
            return {};
          }};
}

}  // namespace sts::shell
