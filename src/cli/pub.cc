// sts pub: the flags.
#include "cli/pub.h"

#include <chrono>

#include "cli/commands.h"
#include "cli/message_flags.h"
#include "cli/one_shot.h"
#include "cli/payload_flags.h"
#include "cli/report.h"
#include "client/config_values.h"

namespace sts::cli {
namespace {

constexpr auto pub_examples = R"(Examples:
  sts pub -t plant/7/temp -m 21.5                    encrypted, for all readers
  dmesg -w | sts pub --peer gateway -t plant/7 -l    the same in a session
  sensor | sts pub --durable -t plant/7 -l           kept until delivered)";

struct PubFlags {
  OneShotFlags one_shot{client::Mode::initiator};
  PayloadFlags payload;
  MessageFlags message;
  std::string topic;
  bool retain = false, sign = false, durable = false, enqueue_only = false;
  std::uint64_t repeat = 1;
  double repeat_delay = 0;
  int timeout = 0, heartbeat = 0;
};

Result<PubChoices> choices(const PubFlags& flags) {
  PubChoices out;
  const auto topic = flags.topic.empty() ? flags.one_shot.url_topic() : flags.topic;
  auto config = flags.one_shot.config(topic.empty() ? std::vector<std::string>{}
                                                    : std::vector<std::string>{topic});
  if (!config) return tl::unexpected(config.error());
  out.config = std::move(*config);
  const auto way = flags.one_shot.way(out.config);
  if (flags.timeout > 0) out.config.timeout = std::chrono::seconds(flags.timeout);
  if (way == Way::session && (flags.retain || flags.message.any())) {
    return fail(Errc::bad_input, "-r and properties are not for a session: it has no such thing",
                "leave --peer or them out");
  }
  if (way != Way::channel && flags.sign) {
    return fail(Errc::bad_input, "--sign is for channels", "leave it out");
  }
  out.config.sign = out.config.sign || flags.sign;
  if (flags.heartbeat > 0) {
    const bool one = !flags.payload.lines() && flags.repeat == 1;
    if (way == Way::plain || (way == Way::channel && one)) {
      return fail(Errc::bad_input, "--heartbeat shows what is missing of many encrypted messages",
                  "leave it out, or -l or --repeat on a channel");
    }
    out.heartbeat = std::chrono::seconds(flags.heartbeat);
    out.config.heartbeat = out.heartbeat;
  }
  out.config.durable = out.config.durable || flags.durable || flags.enqueue_only;
  if (auto possible = check_durable(out.config, way); !possible) {
    return tl::unexpected(possible.error());
  }
  if (out.config.durable && way == Way::channel && flags.heartbeat > 0) {
    return fail(Errc::bad_input, "durable messages are numbered: nothing needs --heartbeat",
                "leave it out");
  }
  out.enqueue_only = flags.enqueue_only;
  out.message.topic = topic.empty() ? out.config.pubtop : topic;
  if (out.message.topic.empty()) return fail(Errc::bad_input, "no topic", "-t TOPIC");
  if (way != Way::session) {
    auto name = client::parse_topic(out.message.topic, client::TopicKind::name);
    if (!name) return tl::unexpected(name.error());
  }
  out.message.qos = client::qos_of(out.config);
  out.message.retain = flags.retain;
  auto properties = flags.message.properties();
  if (!properties) return tl::unexpected(properties.error());
  if (way == Way::channel &&
      (!properties->response_topic.empty() || !properties->correlation_data.empty())) {
    return fail(Errc::bad_input, "on a channel response topic and correlation data aren't sealed",
                "leave them out, or use --plain");
  }
  out.message.properties = std::move(*properties);
  out.lines = flags.payload.lines();
  out.repeat = flags.repeat;
  // Not std::llround: it alone would bring libm into every process.
  out.repeat_delay = std::chrono::round<std::chrono::milliseconds>(
      std::chrono::duration<double>(flags.repeat_delay));
  auto read = flags.payload.read();
  if (!read) return tl::unexpected(read.error());
  out.message.payload = std::move(*read);
  return out;
}

int run(const PubFlags& flags) {
  auto chosen = choices(flags);
  if (!chosen) return report(tl::unexpected(chosen.error()));
  asio::io_context loop(1);
  switch (flags.one_shot.way(chosen->config)) {
    case Way::plain:
      return run_plain_pub(loop, std::move(*chosen));
    case Way::session:
      return chosen->enqueue_only ? run_durable_pub(loop, std::move(*chosen))
                                  : run_session_pub(loop, std::move(*chosen));
    case Way::channel:
      return chosen->config.durable ? run_durable_pub(loop, std::move(*chosen))
                                    : run_channel_pub(loop, std::move(*chosen));
  }
  return exit_failed;
}

}  // namespace

Result<void> check_durable(const client::Config& config, Way way) {
  if (!config.durable) return {};
  if (way == Way::session) return {};  // the peer's acknowledgement counts, not the broker's
  if (way == Way::plain) {
    return fail(Errc::bad_input, "--durable is for what is encrypted", "leave it, or --plain, out");
  }
  if (config.broker.will) {
    return fail(Errc::bad_input, "--durable has no will: one process delivers for all others",
                "leave the will out");
  }
  if (client::qos_of(config) == mqtt::Qos::at_most_once) {
    return fail(Errc::bad_input,
                "--durable needs the broker's acknowledgement, which QoS 0 has not",
                "-q 1 or -q 2");
  }
  return {};
}

void add_pub_command(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<PubFlags>();
  auto* pub = app.add_subcommand("pub", "Send messages to a topic");
  pub->add_option("-t,--topic", flags->topic, "topic");
  flags->payload.add_to(*pub, "message");
  flags->payload.add_lines(*pub);
  pub->add_flag("-r,--retain", flags->retain, "the broker keeps it for later subscribers");
  pub->add_flag("--sign", flags->sign, "so that no reader can speak as this sender (64 bytes)");
  pub->add_option("--heartbeat", flags->heartbeat,
                  "seconds between signs that show a withheld tail")
      ->check(CLI::Range(1, 86400));
  pub->add_flag("--durable", flags->durable, "on disk first: nothing is lost or comes twice");
  pub->add_flag("--enqueue-only", flags->enqueue_only,
                "durable, and left to others: 'sts outbox flush'");
  pub->add_option("--repeat", flags->repeat, "send it so many times")
      ->check(CLI::Range(1, 1 << 30));
  pub->add_option("--repeat-delay", flags->repeat_delay, "seconds in between")
      ->check(CLI::Range(0.0, 1e6));
  pub->add_option("--timeout", flags->timeout,
                  "seconds to wait for a broker or peer gone (30; durable: no end)")
      ->check(CLI::Range(1, 86400));
  flags->message.add_to(*pub);
  flags->one_shot.add_to(*pub);
  pub->footer(pub_examples);
  pub->callback([flags, &exit_code] { exit_code = run(*flags); });
}

}  // namespace sts::cli
