#include "shell/commands.h"

namespace sts::shell {

std::vector<Command> builtin_commands() {
  return {start_command(),    stop_command(),    status_command(),  send_command(),
          sendenc_command(),  use_command(),     connect_command(), disconnect_command(),
          sub_command(),      unsub_command(),   pub_command(),     topics_command(),
          channels_command(), readers_command(), watch_command(),   set_command(),
          log_command(),      source_command(),  help_command(),    exit_command(),
          program_command()};
}

}  // namespace sts::shell
