#include <string>

#include "shell/commands.h"
#include "shell/shell.h"
#include "shell/text.h"

namespace sts::shell {
namespace {

Result<void> wait_for_answer(Shell& shell, const Sessions::Pointer& session) {
  using Progress = Shell::Progress;
  if (!shell.scripted()) return {};
  shell.wait([weak = std::weak_ptr(session)] {
    const auto asked = weak.lock();
    if (!asked) return Progress::failed;
    return asked->awaits_answers() ? Progress::waiting : Progress::done;
  });
  return {};
}

Result<void> subscribe(Shell& shell, std::string_view arguments) {
  const auto session = shell.session();
  if (!session) return tl::unexpected(session.error());
  std::string_view filter = trim(arguments);
  mqtt::Qos qos = (*session)->qos();
  if (const auto blank = filter.find_last_of(" \t"); blank != std::string_view::npos) {
    const auto given = parse_qos(filter.substr(blank + 1));
    if (!given) return tl::unexpected(given.error());
    qos = *given;
    filter = trim(filter.substr(0, blank));
  }
  if (auto asked = (*session)->subscribe({std::string(filter), qos}); !asked) return asked;
  return wait_for_answer(shell, *session);
}

Result<void> unsubscribe(Shell& shell, std::string_view arguments) {
  const auto session = shell.session();
  if (!session) return tl::unexpected(session.error());
  if (auto asked = (*session)->unsubscribe(std::string(trim(arguments))); !asked) return asked;
  return wait_for_answer(shell, *session);
}

std::vector<std::string> filters(Shell& shell) {
  std::vector<std::string> out;
  if (const auto session = shell.session()) {
    for (auto& topic : (*session)->client().topics()) out.push_back(std::move(topic.filter));
  }
  return out;
}

}  // namespace

Command sub_command() {
  return {
      "sub",
      "TOPIC [QOS]",
      "subscribe to a topic, in the clear or of channels",
      "TOPIC may have + and #. QOS is 0, 1 or 2, by default the session's `qos`; the broker may\n"
      "grant less, which is shown. Messages are shown with their topic; in the clear anyone whom\n"
      "the broker lets in can have sent them, on channels it was the sender shown. Refused in an\n"
      "encrypted session.",
      Completion::none,
      subscribe};
}

Command unsub_command() {
  return {
      "unsub",     "TOPIC", "end a subscription", "TOPIC as 'topics' shows it.", Completion::none,
      unsubscribe, filters};
}

}  // namespace sts::shell
