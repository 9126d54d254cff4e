#include "shell/commands.h"
#include "shell/shell.h"
#include "shell/status.h"

namespace sts::shell {

Command status_command() {
  return {"status",
          "",
          "show the session's state, counters and peers",
          "",
          Completion::none,
          [](Shell& shell, std::string_view) -> Result<void> {
            for (const auto& line : status_lines(shell.client().status())) {
              shell.log(client::Level::info, line);
            }
            return {};
          }};
}

}  // namespace sts::shell
