#include "shell/commands.h"
#include "shell/completion.h"
#include "shell/shell.h"
#include "shell/text.h"

namespace sts::shell {
namespace {

using Progress = Shell::Progress;

Progress progress(Shell& shell) {
  switch (shell.client().state()) {
    case client::State::up:
      return Progress::done;
    case client::State::stopped:
      return Progress::failed;
    default:
      return Progress::waiting;
  }
}

Result<void> run(Shell& shell, std::string_view arguments) {
  const std::string path = expand_home(trim(arguments));
  if (path.empty()) return fail(Errc::bad_input, "start: CONFIG is missing", "start CONFIG");
  if (shell.client().state() != client::State::stopped) {
    return fail(Errc::refused, "a session is started already", "'stop' ends it");
  }
  auto config = shell.environment().load_config(path);
  if (!config) return tl::unexpected(config.error());

  std::optional<Duration> timeout;
  if (shell.scripted()) timeout = Shell::script_timeout;
  shell.set_starting(true);
  if (auto started = shell.client().start(std::move(*config), timeout); !started) {
    shell.set_starting(false);
    return started;
  }
  if (shell.scripted()) shell.wait([&shell] { return progress(shell); });
  return {};
}

}  // namespace

Command start_command() {
  return {
      "start",
      "CONFIG",
      "start a session as the config file says",
      "CONFIG is the rest of the line: a path, blanks within and ~/ allowed.\n"
      "On a terminal the prompt comes back at once, and Ctrl-C or 'stop' calls the start off.\n"
      "In a script the next command runs when the session is up; the start is given up after the\n"
      "config's `timeout`, by default 30 seconds, or at the end of the input.",
      Completion::path,
      run};
}

}  // namespace sts::shell
