#include <fmt/format.h>

#include <array>

#include "shell/commands.h"
#include "shell/shell.h"
#include "shell/text.h"

namespace sts::shell {
namespace {

constexpr std::array<std::pair<std::string_view, client::Level>, 3> levels{
    {{"error", client::Level::error},
     {"warning", client::Level::warning},
     {"info", client::Level::info}}};

Result<void> run_log(Shell& shell, std::string_view arguments) {
  const auto wanted = trim(arguments);
  for (const auto& [name, level] : levels) {
    if (wanted.empty() && shell.log().level() == level) shell.print(name);
    if (wanted != name) continue;
    shell.log().set_level(level);
    return {};
  }
  if (wanted.empty()) return {};
  return fail(Errc::bad_input, fmt::format("'{}' is no level", wanted), "error, warning or info");
}

}  // namespace

Command log_command() {
  return {"log",
          "[LEVEL]",
          "choose what the log shows: error, warning or info",
          "Lines below LEVEL are hidden, with warning and error the messages too. What commands\n"
          "show is always shown.",
          Completion::none,
          run_log,
          [](Shell&) {
            std::vector<std::string> out;
            out.reserve(levels.size());
            for (const auto& [name, level] : levels) out.emplace_back(name);
            return out;
          }};
}

}  // namespace sts::shell
