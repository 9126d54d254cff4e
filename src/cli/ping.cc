// sts ping: the flags. What it sends is its own and tells nobody anything, so it asks neither for
// --plain nor for a peer.
#include "cli/ping.h"

#include "cli/commands.h"
#include "cli/connection_flags.h"
#include "cli/report.h"

namespace sts::cli {
namespace {

constexpr auto ping_examples = R"(Examples:
  sts ping -h broker.example.org --tls -u me --password-from prompt
  sts ping --profile plant --format json | jq .round_trip_ms.median)";

struct PingFlags {
  ConnectionFlags connection;
  PingChoices chosen;
  std::string style = "text";
  int timeout = 5;
};

Result<void> choose(PingFlags& flags) {
  auto& out = flags.chosen;
  auto config = flags.connection.config({});
  if (!config) return tl::unexpected(config.error());
  out.config = std::move(*config);
  out.json = flags.style == "json";
  out.timeout = std::chrono::seconds(flags.timeout);
  auto topic = flags.connection.topic(out.topic, "sts-ping");
  if (!topic) return tl::unexpected(topic.error());
  out.topic = std::move(*topic);
  return {};
}

int run(PingFlags& flags) {
  if (auto chosen = choose(flags); !chosen) return report(chosen);
  asio::io_context loop(1);
  return run_ping(loop, std::move(flags.chosen));
}

}  // namespace

void add_ping_command(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<PingFlags>();
  auto* ping = app.add_subcommand("ping", "Look what a broker offers and how fast it answers");
  // -c is --disable-clean-session in all commands.
  ping->add_option("-C,--count", flags->chosen.count, "round trips (4)")
      ->check(CLI::Range(1, 1 << 20));
  ping->add_option("-t,--topic", flags->chosen.topic, "topic for them (sts-ping/RANDOM)");
  ping->add_option("-W", flags->timeout, "seconds to wait for each (5)")
      ->check(CLI::Range(1, 86400));
  ping->add_option("--format", flags->style, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  flags->connection.add_to(*ping);
  ping->footer(ping_examples);
  ping->callback([flags, &exit_code] { exit_code = run(*flags); });
}

}  // namespace sts::cli
