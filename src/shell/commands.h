// The commands of the shell, one file each, and the table of them.
#pragma once

#include <vector>

#include "shell/command.h"

namespace sts::shell {

Command start_command();
Command stop_command();
Command status_command();
Command send_command();
Command sendenc_command();
Command help_command();
Command exit_command();
Command program_command();

/// All of them, in the order of `help`. Modules add theirs behind.
std::vector<Command> builtin_commands();

}  // namespace sts::shell
