#include <fmt/format.h>

#include "base/text.h"
#include "client/channel_reader.h"
#include "shell/commands.h"
#include "shell/shell.h"
#include "shell/status.h"
#include "store/file.h"

namespace sts::shell {
namespace {

Result<void> channels(Shell& shell, std::string_view) {
  const auto session = shell.session();
  if (!session) return tl::unexpected(session.error());
  const auto& client = (*session)->client();
  if (!(*session)->of_channels()) {
    return fail(Errc::refused, "this session has no channels", "'start' a config with channels");
  }
  const auto topics = client.topics();
  if (topics.empty()) shell.show("sts: no channels are read");
  for (const auto& topic : topics) shell.show("sts: " + topic_line(topic));
  for (const auto& [sender, counted] : client.status().reports) {
    shell.show(
        fmt::format("sts: {} {}: {}", sender, counted.topic, client::to_words(counted.counts)));
  }
  return {};
}

Result<void> readers(Shell& shell, std::string_view arguments) {
  const auto session = shell.session();
  if (!session) return tl::unexpected(session.error());
  const std::string topic(trim(arguments));
  const auto rights = (*session)->client().rights(topic);
  if (!rights) return tl::unexpected(rights.error());
  const auto list = [&](const char* verb, const auto& all) {
    for (const auto& [name, fingerprint] : all) {
      shell.show(fmt::format("sts: {} {}  {}", verb, name, fingerprint));
    }
  };
  list("may read: ", rights->readers);
  list("may write:", rights->writers);
  const auto nobody = [&](const char* verb, const char* flag) {
    shell.show(fmt::format("sts: nobody may {} (sts peer add NAME KEY --{} {})", verb, flag,
                           store::shell_word(topic)));
  };
  if (rights->readers.empty()) nobody("read", "reads");
  if (rights->writers.empty()) nobody("write", "writes");
  return {};
}

}  // namespace

Command channels_command() {
  return {
      "channels",
      "",
      "show the channels that are read, and what the broker did",
      "Each filter with the QoS that the broker granted, then for each sender and topic how many\n"
      "messages were received, missing, repeated, reordered, late, forged or rolled back.",
      Completion::none,
      channels};
}

Command readers_command() {
  return {"readers",
          "TOPIC",
          "show who may read and write a topic",
          "By the trust file and the config: who can open what 'pub' sends there, and who is\n"
          "believed there. With their fingerprints.",
          Completion::none,
          readers};
}

}  // namespace sts::shell
