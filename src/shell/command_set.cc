#include "shell/commands.h"
#include "shell/shell.h"
#include "shell/text.h"

namespace sts::shell {
namespace {

Result<void> run_set(Shell& shell, std::string_view arguments) {
  auto& settings = shell.settings();
  const auto key = take_word(arguments);
  const auto value = trim(arguments);
  if (key == "-u") return settings.unset(value);
  if (!value.empty()) return settings.set(key, value);
  const auto lines = settings.lines(key);
  for (const auto& line : lines) shell.print(line);
  if (lines.empty()) shell.print(key.empty() ? "nothing is set" : "not set");
  return {};
}

}  // namespace

Command set_command() {
  return {"set",
          "[KEY VALUE | -u KEY]",
          "set defaults for 'connect', or show them",
          "KEY is one of sts.conf(5) for the broker, VALUE the rest of the line. -u forgets one.\n"
          "Passwords are not shown; password_from names a place to read one from.",
          Completion::none,
          run_set,
          [](Shell&) { return Settings::keys(); }};
}

}  // namespace sts::shell
