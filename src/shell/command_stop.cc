#include "shell/commands.h"
#include "shell/shell.h"

namespace sts::shell {
namespace {

Result<void> run_stop(Shell& shell, std::string_view) {
  using Progress = Shell::Progress;
  const auto session = shell.session();
  if (!session) return tl::unexpected(session.error());
  (*session)->client().stop(false);
  if (shell.scripted()) {
    shell.wait([weak = std::weak_ptr(*session)] {
      return weak.expired() ? Progress::done : Progress::waiting;
    });
  }
  return {};
}

}  // namespace

Command stop_command() {
  return {"stop",
          "",
          "stop the session",
          "Waits a while for the peer to acknowledge what was sent, tells it that the session\n"
          "ends, and disconnects. On a terminal Ctrl-C ends the waiting. No other session becomes\n"
          "the current one by itself: 'use NAME' says which.",
          Completion::none,
          run_stop};
}

Command disconnect_command() {
  return {"disconnect",
          "",
          "end the connection; the same as stop",
          "Waits a while for the broker to acknowledge what was published.",
          Completion::none,
          run_stop};
}

}  // namespace sts::shell
