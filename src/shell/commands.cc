#include "shell/commands.h"

namespace sts::shell {

std::vector<Command> builtin_commands() {
  return {start_command(),   stop_command(), status_command(), send_command(),
          sendenc_command(), help_command(), exit_command(),   program_command()};
}

}  // namespace sts::shell
