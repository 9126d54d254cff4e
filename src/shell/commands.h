// The commands of the shell, one file each, and the table of them.
#pragma once

#include <functional>
#include <vector>

#include "client/messenger.h"
#include "shell/command.h"

namespace sts::shell {

Command start_command();
Command stop_command();
Command connect_command();
Command disconnect_command();
Command sub_command();
Command unsub_command();
Command pub_command();
Command topics_command();
Command channels_command();
Command readers_command();
Command watch_command();
Command use_command();
Command set_command();
Command log_command();
Command source_command();
Command status_command();
Command send_command();
Command sendenc_command();
Command help_command();
Command exit_command();
Command program_command();

/// Sends on the current session; where there is no room a script waits for it.
Result<void> send_when_room(Shell& shell, std::function<Result<void>(client::Messenger&)> send);

/// All of them, in the order of `help`.
std::vector<Command> builtin_commands();

}  // namespace sts::shell
