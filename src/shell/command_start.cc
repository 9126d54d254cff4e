#include "shell/commands.h"
#include "shell/completion.h"
#include "shell/shell.h"
#include "shell/text.h"

namespace sts::shell {
namespace {

Result<void> run_start(Shell& shell, std::string_view arguments) {
  const std::string path = expand_home(trim(arguments));
  if (path.empty())
    return fail(Errc::bad_input, "start: CONFIG is missing", "'help start' tells what CONFIG is");
  auto config = shell.environment().load_config(path);
  if (!config) return tl::unexpected(config.error());
  return shell.open(std::move(*config));
}

}  // namespace

Command start_command() {
  return {
      "start",
      "CONFIG",
      "start a session as the config file says",
      "CONFIG is the rest of the line: a path, blanks within and ~/ allowed. The session becomes\n"
      "the current one, under the config's `name`, by default the file's.\n"
      "On a terminal the prompt comes back at once, and Ctrl-C or 'stop' calls the start off.\n"
      "In a script the next command runs when the session is up; the start is given up after the\n"
      "config's `timeout`, by default 30 seconds, or at the end of the input.",
      Completion::path,
      run_start};
}

}  // namespace sts::shell
