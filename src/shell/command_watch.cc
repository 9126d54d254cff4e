#include "client/config_values.h"
#include "shell/commands.h"
#include "shell/shell.h"
#include "shell/text.h"

namespace sts::shell {
namespace {

using Progress = Shell::Progress;

Result<std::uint64_t> number(std::string_view word, std::uint64_t otherwise) {
  if (word.empty()) return otherwise;
  auto parsed = client::parse_number(word, 1, 86400);
  if (parsed) return parsed;
  return fail(Errc::bad_input, "watch: " + parsed.error().message, "watch [SECONDS [COUNT]] | off");
}

Result<void> run_watch(Shell& shell, std::string_view arguments) {
  if (trim(arguments) == "off") {
    shell.watch().stop();
    return {};
  }
  if (auto session = shell.session(); !session) return tl::unexpected(session.error());
  const auto seconds = number(take_word(arguments), 1);
  if (!seconds) return tl::unexpected(seconds.error());
  // Nobody could end it in a script.
  const auto count = number(trim(arguments), shell.scripted() ? 1 : 0);
  if (!count) return tl::unexpected(count.error());
  shell.watch().start(std::chrono::seconds(*seconds), *count,
                      [&shell](const std::vector<std::string>& lines) {
                        for (const auto& line : lines) shell.show(line);
                      });
  if (shell.scripted()) {
    shell.wait([&shell] { return shell.watch().running() ? Progress::waiting : Progress::done; });
  }
  return {};
}

}  // namespace

Command watch_command() {
  return {
      "watch",
      "[SECONDS [COUNT] | off]",
      "show how much comes on which topic",
      "Every SECONDS, by default 1, the busiest topics of the current session: messages and\n"
      "bytes per second. On a terminal until Ctrl-C or 'watch off', or COUNT times; in a script\n"
      "COUNT times, by default once. 'log warning' hides the messages themselves.",
      Completion::none,
      run_watch,
      [](Shell&) { return std::vector<std::string>{"off"}; }};
}

}  // namespace sts::shell
