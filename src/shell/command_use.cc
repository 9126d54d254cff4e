#include <fmt/format.h>

#include "shell/commands.h"
#include "shell/shell.h"
#include "shell/status.h"
#include "shell/text.h"

namespace sts::shell {
namespace {

Result<void> run_use(Shell& shell, std::string_view arguments) {
  auto& sessions = shell.sessions();
  if (const auto name = trim(arguments); !name.empty()) return sessions.use(name);
  if (sessions.all().empty()) shell.show("sts: no sessions");
  for (const auto& session : sessions.all()) {
    const auto status = session->client().status();
    shell.show(fmt::format("sts: {} {}  {}  {}  {}", sessions.is_current(*session) ? '*' : ' ',
                           session->name(), status.mode, status.url, state_name(status.state)));
  }
  return {};
}

std::vector<std::string> names(Shell& shell) {
  std::vector<std::string> out;
  for (const auto& session : shell.sessions().all()) out.push_back(session->name());
  return out;
}

}  // namespace

Command use_command() {
  return {"use",
          "[NAME]",
          "make a session the current one, or list all",
          "All commands act on the current session: the one that was started last, or that 'use'\n"
          "names. Log lines of the others begin with their name.",
          Completion::none,
          run_use,
          names};
}

}  // namespace sts::shell
