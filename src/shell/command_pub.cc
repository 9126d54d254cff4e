#include <fmt/format.h>

#include <optional>
#include <string>

#include "shell/commands.h"
#include "shell/shell.h"
#include "shell/text.h"

namespace sts::shell {
namespace {

Result<void> run_pub(Shell& shell, std::string_view arguments) {
  const auto session = shell.session();
  if (!session) return tl::unexpected(session.error());
  mqtt::Message message;
  message.qos = (*session)->qos();
  std::string_view word = take_word(arguments);
  for (; word == "-r" || word == "-q"; word = take_word(arguments)) {
    if (word == "-r") {
      message.retain = true;
      continue;
    }
    const auto qos = parse_qos(take_word(arguments));
    if (!qos) return tl::unexpected(qos.error());
    message.qos = *qos;
  }
  if (word.empty() || word.front() == '-') {
    return fail(Errc::bad_input,
                word.empty() ? "pub: TOPIC is missing" : fmt::format("pub: no option '{}'", word),
                "pub [-r] [-q QOS] TOPIC MSG");
  }
  message.topic = word;
  message.payload = to_bytes(as_bytes(arguments));
  return send_when_room(
      shell, [message](client::Messenger& client) { return client.publish_on(message); });
}

}  // namespace

Command pub_command() {
  return {
      "pub",
      "[-r] [-q QOS] TOPIC MSG",
      "publish on any topic: in the clear, on channels encrypted",
      "MSG is the rest of the line after one blank, exactly; none is an empty message. -r: the\n"
      "broker keeps it for who subscribes later, and an empty one deletes what it kept. QOS is\n"
      "0, 1 or 2, by default the session's `qos`. On channels MSG is encrypted for all who may\n"
      "read TOPIC: 'readers TOPIC' lists them. Refused in an encrypted session.",
      Completion::none,
      run_pub};
}

}  // namespace sts::shell
