// sts bench: the flags, the identities, the two processes.
#include "cli/bench.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "cli/commands.h"
#include "cli/connection_flags.h"
#include "cli/job.h"
#include "cli/report.h"
#include "crypto/random.h"
#include "store/identity.h"

namespace sts::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t most_messages = 20'000'000;  // each time is kept: 8 bytes

constexpr auto bench_examples = R"(Examples:
  sts bench -h broker --publishers 4 --subscribers 2 -C 10000 --rate 500
  sts bench --profile plant --format json | jq .latency_ms.p99)";

struct BenchFlags {
  ConnectionFlags connection;
  BenchChoices chosen;
  std::string style = "text";
  int patience = 10;
};

/// A directory for the identities, gone with this object.
class TemporaryHomes {
 public:
  explicit TemporaryHomes(fs::path root) : root_(std::move(root)) {}
  ~TemporaryHomes() {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  TemporaryHomes(const TemporaryHomes&) = delete;
  TemporaryHomes& operator=(const TemporaryHomes&) = delete;

  Result<void> fill(BenchParties& parties, const BenchChoices& choices) const {
    crypto::SystemRandom random;
    const auto add = [&](std::vector<BenchParty>& to, const char* kind,
                         std::uint32_t count) -> Result<void> {
      for (std::uint32_t i = 0; i < count; ++i) {
        store::Home home(root_ / fmt::format("{}{}", kind, i));
        crypto::PublicKey key;
        if (!choices.plain) {
          auto identity = store::create_identity(home, random);
          if (!identity) return tl::unexpected(identity.error());
          key = identity->public_key;
        }
        to.push_back({std::move(home), key});
      }
      return {};
    };
    auto added = add(parties.publishers, "publisher", choices.publishers);
    return added ? add(parties.subscribers, "subscriber", choices.subscribers) : added;
  }

 private:
  fs::path root_;
};

Result<fs::path> temporary_directory() {
  std::error_code error;
  auto name = (fs::temp_directory_path(error) / "sts-bench-XXXXXX").string();
  if (error || ::mkdtemp(name.data()) == nullptr) {
    return fail(Errc::io, fmt::format("cannot make {}: {}", name, std::strerror(errno)),
                "set TMPDIR to a directory that you may write to");
  }
  return fs::path(name);
}

Result<void> choose(BenchFlags& flags) {
  auto& out = flags.chosen;
  auto config = flags.connection.config({});
  if (!config) return tl::unexpected(config.error());
  out.broker = std::move(*config);
  out.broker.broker.clean_start = true;
  out.broker.broker.session_expiry = {};
  if (out.qos < 0) out.qos = out.plain ? 0 : 1;
  if (out.count * out.publishers * out.subscribers > most_messages) {
    return fail(Errc::bad_input, fmt::format("more than {} messages to receive", most_messages),
                "-C with less");
  }
  out.json = flags.style == "json";
  out.patience = std::chrono::seconds(flags.patience);
  auto topic = flags.connection.topic(out.topic, "sts-bench");
  if (!topic) return tl::unexpected(topic.error());
  out.topic = std::move(*topic);
  return {};
}

/// Before there are a loop and threads: fork() would copy but one of them.
int run_both(const BenchChoices& choices, const BenchParties& parties) {
  std::array<int, 2> sockets{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    return report(fail(Errc::io, fmt::format("socketpair: {}", std::strerror(errno))));
  }
  const auto child = ::fork();
  if (child < 0) return report(fail(Errc::io, fmt::format("fork: {}", std::strerror(errno))));
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    ::close(sockets[0]);
    // Not exit(): the other process owns the temporary files and the output.
    ::_exit(run_bench_publishers(choices, parties, sockets[1]));
  }
  ::close(sockets[1]);
  const int exit_code = run_bench_subscribers(choices, parties, sockets[0]);
  ::kill(child, SIGTERM);
  int status = 0;
  ::waitpid(child, &status, 0);
  return exit_code;
}

int run(BenchFlags& flags) {
  if (auto chosen = choose(flags); !chosen) return report(chosen);
  for (const auto& warning : flags.chosen.broker.warnings) {
    show(client::Line{client::Level::warning, warning});
  }
  flags.chosen.broker.warnings.clear();
  auto directory = temporary_directory();
  if (!directory) return report(tl::unexpected(directory.error()));
  const TemporaryHomes homes(std::move(*directory));
  BenchParties parties;
  if (auto filled = homes.fill(parties, flags.chosen); !filled) return report(filled);
  return run_both(flags.chosen, parties);
}

/// The same for both sides: the way to the broker, each under an id of its own.
client::Config common(const BenchChoices& choices, const std::string& id) {
  client::Config config;
  config.broker = choices.broker.broker;
  config.retry = choices.broker.retry;
  config.name = "bench";
  config.qos = static_cast<mqtt::Qos>(choices.qos);
  if (!config.broker.client_id.empty()) config.broker.client_id += "-" + id;
  return config;
}

}  // namespace

client::Config bench_publisher(const BenchChoices& choices, const BenchParties& parties,
                               std::size_t publisher, std::size_t subscriber) {
  auto config = common(choices, fmt::format("pub{}-{}", publisher, subscriber));
  config.mode = choices.plain ? client::Mode::nosec : client::Mode::initiator;
  config.pubtop = choices.topic;
  if (choices.plain) return config;
  config.pubtop = config.bind_pubtop = fmt::format("{}/{}", choices.topic, subscriber);
  config.subtop = config.bind_subtop = config.pubtop + "/return";
  config.peers.emplace_back(parties.subscribers[subscriber].key);
  return config;
}

client::Config bench_subscriber(const BenchChoices& choices, const BenchParties& parties,
                                std::size_t subscriber) {
  auto config = common(choices, fmt::format("sub{}", subscriber));
  config.mode = choices.plain ? client::Mode::nosec : client::Mode::responder;
  config.subtop = choices.topic;
  config.pubtop = choices.topic + "/return";
  if (choices.plain) return config;
  config.subtop = config.bind_subtop = fmt::format("{}/{}", choices.topic, subscriber);
  config.pubtop = config.bind_pubtop = config.subtop + "/return";
  for (const auto& party : parties.publishers) config.peers.emplace_back(party.key);
  config.stays = true;
  return config;
}

void add_bench_command(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<BenchFlags>();
  auto& chosen = flags->chosen;
  auto* bench = app.add_subcommand("bench", "Measure rate and latency through a broker");
  bench->add_flag("--plain", chosen.plain, "in the clear (encrypted, with keys made for it)");
  bench->add_option("--publishers", chosen.publishers, "how many (1)")->check(CLI::Range(1, 1000));
  bench->add_option("--subscribers", chosen.subscribers, "how many (1)")
      ->check(CLI::Range(1, 1000));
  bench->add_option("-C,--count", chosen.count, "messages of each publisher (1000)")
      ->check(CLI::Range(1, 10'000'000));
  bench->add_option("-s,--size", chosen.size, "bytes of each message (100)")
      ->check(CLI::Range(8, 1 << 20));
  bench->add_option("-q,--qos", chosen.qos, "quality of service (1; in the clear 0)")
      ->check(CLI::Range(0, 2));
  bench->add_option("--rate", chosen.rate, "messages a second of each (as fast as they go)")
      ->check(CLI::Range(0.001, 1e6));
  bench->add_option("-t,--topic", chosen.topic, "what topics begin with (sts-bench/RANDOM)");
  bench->add_option("-W", flags->patience, "seconds of silence that end it, exit code 27 (10)")
      ->check(CLI::Range(1, 86400));
  bench->add_option("--format", flags->style, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  flags->connection.add_to(*bench);
  bench->footer(bench_examples);
  bench->callback([flags, &exit_code] { exit_code = run(*flags); });
}

}  // namespace sts::cli
