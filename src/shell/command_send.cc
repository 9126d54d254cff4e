#include <string>

#include "shell/commands.h"
#include "shell/shell.h"

namespace sts::shell {
namespace {

Result<void> send(Shell& shell, std::string_view arguments) {
  return shell.client().send(arguments);
}

Result<void> sendenc(Shell& shell, std::string_view arguments) {
  using Progress = Shell::Progress;
  auto sent = shell.client().send_encrypted(arguments);
  if (sent || sent.error().code != Errc::limit || !shell.scripted()) return sent;
  // A script can wait for room; a person would rather be told.
  shell.wait([&shell, text = std::string(arguments)] {
    auto again = shell.client().send_encrypted(text);
    if (again) return Progress::done;
    if (again.error().code == Errc::limit) return Progress::waiting;
    shell.report(again.error());
    return Progress::failed;
  });
  return {};
}

}  // namespace

Command send_command() {
  return {"send",
          "MSG",
          "send a message in the clear",
          "MSG is the rest of the line after one blank, exactly. Refused while the session is\n"
          "encrypted.",
          Completion::none,
          send};
}

Command sendenc_command() {
  return {"sendenc",
          "MSG",
          "send an encrypted message",
          "MSG is the rest of the line after one blank, exactly. Refused while the session is not\n"
          "encrypted. Where too much is unacknowledged a script waits for room.",
          Completion::none,
          sendenc};
}

}  // namespace sts::shell
