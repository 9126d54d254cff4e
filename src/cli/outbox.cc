// sts outbox: what `sts pub --durable` accepted and nobody has delivered yet.
#include "store/outbox.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/counted.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/one_shot.h"
#include "cli/pub.h"
#include "cli/report.h"
#include "client/outbox.h"
#include "client/outbox_message.h"
#include "crypto/random.h"
#include "store/home.h"
#include "store/peers.h"

namespace sts::cli {
namespace {

constexpr auto outbox_examples = R"(Examples:
  sensor | sts pub --enqueue-only -t plant/7/log -l   now, on the disk
  sts outbox flush -h broker.example.org              later, to the broker
  sts outbox flush --peer gateway -t plant/7          what waits for a session
  sts outbox purge --older-than 86400 --yes           what is older than a day)";

constexpr std::size_t page_messages = 256, page_bytes = std::size_t{1} << 20U;

struct OutboxFlags {
  OneShotFlags one_shot{client::Mode::initiator};
  std::string style, topic;
  int timeout = 0;
  std::uint64_t older_than = 0;
  bool yes = false;
};

std::uint64_t now_ms() { return unix_ms(std::chrono::system_clock::now()); }

/// Not below 0, whatever the clock did.
std::uint64_t age_ms(std::uint64_t accepted_ms) {
  return now_ms() - std::min(now_ms(), accepted_ms);
}

std::string age_text(std::uint64_t milliseconds) {
  const auto seconds = milliseconds / 1000;
  if (seconds < 120) return fmt::format("{}s", seconds);
  if (seconds < 7200) return fmt::format("{}min", seconds / 60);
  if (seconds < 172'800) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / 86'400);
}

Result<store::Outbox> open(Random& random) {
  auto home = store::Home::from_environment();
  if (!home) return tl::unexpected(home.error());
  return client::open_outbox(*home, {}, random, [](const auto& line) { show(line); });
}

/// A peer by its name, as 'sts outbox flush' takes it, where the trust file has one.
std::string shown(std::string_view destination, const std::vector<store::Peer>& peers) {
  auto text = client::shown(destination);
  for (const auto& peer : peers) {
    if (!destination.starts_with(client::session_destination(peer.key, ""))) continue;
    const auto key = crypto::to_text(peer.key);
    text.replace(text.rfind(key), key.size(), peer.name);
  }
  return text;
}

/// Of the payload; nothing that is with it.
std::size_t size_of(const store::Outbox::Message& message) {
  if (client::is_for_session(message.destination)) {
    return client::decode_for_session(message.content).value_or(ByteView()).size();
  }
  const auto decoded = client::decode_from_outbox(message.destination, message.content);
  return decoded ? decoded->payload.size() : 0;
}

Result<void> list_messages(const OutboxFlags& flags) {
  crypto::SystemRandom random;
  auto outbox = open(random);
  if (!outbox) return tl::unexpected(outbox.error());
  const auto home = store::Home::from_environment();
  const auto peers = home.and_then(store::load_peers);
  if (!peers) return tl::unexpected(peers.error());
  std::uint64_t unreadable = 0;
  for (std::uint64_t next = 0;;) {
    auto batch = outbox->next(next, page_messages, page_bytes, 0);
    if (!batch) return tl::unexpected(batch.error());
    if (batch->next == next) break;
    next = batch->next;
    unreadable += batch->unreadable;
    for (const auto& entry : batch->entries) {
      const auto destination = shown(entry.message.destination, *peers);
      const auto size = size_of(entry.message);
      const auto age = age_ms(entry.accepted_ms);
      if (flags.style == "json") {
        const nlohmann::ordered_json json{
            {"seq", entry.seq}, {"topic", destination}, {"bytes", size}, {"age_ms", age}};
        std::fputs((json.dump() + '\n').c_str(), stdout);
      } else {
        fmt::print("{:>8}  {:>6}  {:>8}  {}\n", entry.seq, age_text(age), size, destination);
      }
    }
  }
  if (unreadable > 0) {
    show({client::Level::warning, fmt::format("{} can't be opened: another identity's, or damaged",
                                              counted(unreadable, "message", "messages"))});
  }
  return {};
}

Result<void> stats(const OutboxFlags& flags) {
  crypto::SystemRandom random;
  auto outbox = open(random);
  if (!outbox) return tl::unexpected(outbox.error());
  const auto stats = outbox->stats();
  if (!stats) return tl::unexpected(stats.error());
  const auto age = stats->messages == 0 ? 0 : age_ms(stats->oldest_ms);
  if (flags.style == "json") {
    const nlohmann::ordered_json json{{"messages", stats->messages},
                                      {"bytes", stats->bytes},
                                      {"oldest_ms", age},
                                      {"accepted", stats->last},
                                      {"dropped_full", stats->dropped.full},
                                      {"dropped_old", stats->dropped.old}};
    std::fputs((json.dump() + '\n').c_str(), stdout);
    return {};
  }
  fmt::print("{}, {} bytes{}\n", counted(stats->messages, "message", "messages"), stats->bytes,
             stats->messages == 0 ? "" : fmt::format(", the oldest {}", age_text(age)));
  if (stats->dropped.full + stats->dropped.old > 0) {
    fmt::print("dropped: {} since it was full, {} since they were too old\n", stats->dropped.full,
               stats->dropped.old);
  }
  return {};
}

int flush(const OutboxFlags& flags) {
  const auto topic = flags.topic.empty() ? flags.one_shot.url_topic() : flags.topic;
  auto config = flags.one_shot.config(topic.empty() ? std::vector<std::string>{}
                                                    : std::vector<std::string>{topic});
  if (!config) return report(tl::unexpected(config.error()));
  config->durable = true;
  const auto way = flags.one_shot.way(*config);
  if (auto possible = check_durable(*config, way); !possible) return report(possible);
  if (way == Way::channel && !topic.empty()) {
    return report(fail(Errc::bad_input, "all topics of channels are flushed together",
                       "leave -t out, or add the --peer of a session"));
  }
  if (flags.timeout > 0) config->timeout = std::chrono::seconds(flags.timeout);
  PubChoices choices;
  choices.config = std::move(*config);
  choices.flush = true;
  asio::io_context loop(1);
  return way == Way::session ? run_session_pub(loop, std::move(choices))
                             : run_durable_pub(loop, std::move(choices));
}

Result<void> purge(const OutboxFlags& flags) {
  if (!flags.yes) {
    return fail(Errc::bad_input, "what is purged was promised to be delivered, and is lost",
                "--yes says that this is meant");
  }
  crypto::SystemRandom random;
  auto outbox = open(random);
  if (!outbox) return tl::unexpected(outbox.error());
  std::optional<std::uint64_t> before;
  if (flags.older_than > 0) before = now_ms() - std::min(now_ms(), flags.older_than * 1000);
  const auto removed = outbox->purge(before);
  if (!removed) return tl::unexpected(removed.error());
  fmt::print("{} removed\n", counted(*removed, "message", "messages"));
  return {};
}

}  // namespace

void add_outbox_command(CLI::App& app, int& exit_code) {
  auto* outbox = app.add_subcommand("outbox", "Look at and deliver what 'sts pub --durable' kept");
  outbox->require_subcommand(1);
  outbox->footer(outbox_examples);
  const auto flags = std::make_shared<OutboxFlags>();

  for (const auto& [verb, how, help] :
       {std::tuple("list", &list_messages, "Print number, age, bytes and topic of each message"),
        std::tuple("stats", &stats, "Print how many wait, how old, and what was dropped")}) {
    auto* command = outbox->add_subcommand(verb, help);
    command->add_option("--format", flags->style, "text or json")
        ->check(CLI::IsMember({"text", "json"}));
    command->callback([flags, how = how, &exit_code] { exit_code = report(how(*flags)); });
  }

  auto* flush_command = outbox->add_subcommand("flush", "Deliver all to the broker, or to a peer");
  flush_command->add_option("-t,--topic", flags->topic, "of the session with --peer");
  flush_command
      ->add_option("--timeout", flags->timeout, "seconds to wait for a broker gone (no end)")
      ->check(CLI::Range(1, 86400));
  flags->one_shot.add_to(*flush_command);
  for (const auto* never : {"--plain", "--qos"}) {  // the messages have theirs
    flush_command->remove_option(flush_command->get_option(never));
  }
  flush_command->callback([flags, &exit_code] { exit_code = flush(*flags); });

  auto* purge_command = outbox->add_subcommand("purge", "Remove messages that were not delivered");
  purge_command->add_option("--older-than", flags->older_than, "only what is so many seconds old")
      ->check(CLI::Range(1, 1 << 30));
  purge_command->add_flag("--yes", flags->yes, "this is meant");
  purge_command->callback([flags, &exit_code] { exit_code = report(purge(*flags)); });
}

}  // namespace sts::cli
