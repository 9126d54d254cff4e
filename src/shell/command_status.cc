#include "shell/commands.h"
#include "shell/shell.h"
#include "shell/status.h"

namespace sts::shell {
namespace {

Result<void> run_status(Shell& shell, std::string_view) {
  client::Status status;
  if (!shell.sessions().all().empty()) {
    const auto session = shell.session();
    if (!session) return tl::unexpected(session.error());
    status = (*session)->client().status();
  }
  for (const auto& line : status_lines(status)) shell.show(line);
  return {};
}

}  // namespace

Command status_command() {
  return {
      "status",
      "",
      "show the session's state, counters and peers",
      "msg sent and msg recv count messages since the start; msg unacked those that the peer has\n"
      "not acknowledged yet. frames sealed and frames opened count what went over the wire with\n"
      "the session's present keys: acknowledgements and probes too, and from 0 with new keys.\n"
      "channels: what was received, and what the broker did; 'channels' tells of whom and where.",
      Completion::none,
      run_status};
}

}  // namespace sts::shell
