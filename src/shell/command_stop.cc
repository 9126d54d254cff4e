#include "shell/commands.h"
#include "shell/shell.h"

namespace sts::shell {
namespace {

Result<void> run(Shell& shell, std::string_view) {
  using Progress = Shell::Progress;
  if (shell.client().state() == client::State::stopped) {
    return fail(Errc::refused, "no session is started", "'start CONFIG' starts one");
  }
  shell.client().stop(false);
  if (shell.scripted()) {
    shell.wait([&shell] {
      if (shell.client().state() != client::State::stopped) return Progress::waiting;
      return Progress::done;
    });
  }
  return {};
}

}  // namespace

Command stop_command() {
  return {"stop",
          "",
          "stop the session",
          "Waits a while for the peer to acknowledge what was sent, tells it that the session "
          "ends, and\n"
          "disconnects. On a terminal Ctrl-C ends the waiting.",
          Completion::none,
          run};
}

}  // namespace sts::shell
