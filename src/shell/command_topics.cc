#include "shell/commands.h"
#include "shell/shell.h"
#include "shell/status.h"

namespace sts::shell {
namespace {

Result<void> run_topics(Shell& shell, std::string_view) {
  const auto session = shell.session();
  if (!session) return tl::unexpected(session.error());
  const auto topics = (*session)->client().topics();
  if (topics.empty()) shell.show("sts: no subscriptions");
  for (const auto& topic : topics) shell.show("sts: " + topic_line(topic));
  return {};
}

}  // namespace

Command topics_command() {
  return {"topics", "", "show what is subscribed to", "", Completion::none, run_topics};
}

}  // namespace sts::shell
