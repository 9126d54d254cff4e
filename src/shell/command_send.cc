#include <string>

#include "shell/commands.h"
#include "shell/shell.h"

namespace sts::shell {

Result<void> send_when_room(Shell& shell, std::function<Result<void>(client::Messenger&)> send) {
  using Progress = Shell::Progress;
  const auto session = shell.session();
  if (!session) return tl::unexpected(session.error());
  auto sent = send((*session)->client());
  if (sent || sent.error().code != Errc::limit || !shell.scripted()) return sent;
  // A script can wait for room; a person would rather be told.
  shell.wait([&shell, weak = std::weak_ptr(*session), send = std::move(send)] {
    const auto sender = weak.lock();
    if (!sender) return Progress::failed;
    auto again = send(sender->client());
    if (again) return Progress::done;
    if (again.error().code == Errc::limit) return Progress::waiting;
    shell.report(again.error());
    return Progress::failed;
  });
  return {};
}

Command send_command() {
  return {"send",
          "MSG",
          "send a message in the clear",
          "MSG is the rest of the line after one blank, exactly. Refused while the session is\n"
          "encrypted; on channels it goes to the config's pubtop. Where too much is unacknowledged "
          "a script waits for room.",
          Completion::none,
          [](Shell& shell, std::string_view text) {
            return send_when_room(shell, [text = std::string(text)](client::Messenger& client) {
              return client.send(text);
            });
          }};
}

Command sendenc_command() {
  return {"sendenc",
          "MSG",
          "send an encrypted message",
          "MSG is the rest of the line after one blank, exactly. Refused while the session is not\n"
          "encrypted. Where too much is unacknowledged a script waits for room.",
          Completion::none,
          [](Shell& shell, std::string_view text) {
            return send_when_room(shell, [text = std::string(text)](client::Messenger& client) {
              return client.send_encrypted(text);
            });
          }};
}

}  // namespace sts::shell
