// sts rr: the flags.
#include "cli/rr.h"

#include <array>

#include "base/hex.h"
#include "cli/commands.h"
#include "cli/format_flags.h"
#include "cli/message_flags.h"
#include "cli/one_shot.h"
#include "cli/payload_flags.h"
#include "cli/report.h"
#include "client/config_values.h"
#include "crypto/random.h"

namespace sts::cli {
namespace {

constexpr auto rr_examples = R"(Examples:
  sts rr --peer gateway -t plant/7/ask -m temp?    encrypted, in a session
  sts rr --plain -h broker -t ask -m 'temp?' -W 5  in the clear, as mosquitto_rr)";

struct RrFlags {
  OneShotFlags one_shot{client::Mode::initiator};
  PayloadFlags payload;
  MessageFlags message;
  FormatFlags format;
  std::string topic, response_topic;
  int timeout = 30;
};

/// What only a request in the clear has: where the answer goes, and what tells it from others.
Result<void> expect_answer(const RrFlags& flags, RrChoices& out) {
  if (out.config.broker.version != mqtt::Version::v5) {
    return fail(Errc::bad_input, "request and response need MQTT 5",
                "leave out -V 3.1.1, or use sts pub and sts sub");
  }
  auto properties = flags.message.properties();
  if (!properties) return tl::unexpected(properties.error());
  crypto::SystemRandom random;
  std::array<std::uint8_t, 16> bytes{};
  random.fill(bytes);
  if (properties->correlation_data.empty()) {
    properties->correlation_data.assign(bytes.begin(), bytes.end());
  }
  if (!flags.response_topic.empty()) properties->response_topic = flags.response_topic;
  if (properties->response_topic.empty()) {
    properties->response_topic = "sts-rr/" + to_hex(bytes);
  }
  auto back = client::parse_topic(properties->response_topic, client::TopicKind::name);
  if (!back) {
    return fail(Errc::bad_input, "-e: " + back.error().message, back.error().hint);
  }
  out.request.properties = std::move(*properties);
  return {};
}

Result<RrChoices> choices(const RrFlags& flags) {
  RrChoices out;
  const auto topic = flags.topic.empty() ? flags.one_shot.url_topic() : flags.topic;
  auto config = flags.one_shot.config(topic.empty() ? std::vector<std::string>{}
                                                    : std::vector<std::string>{topic});
  if (!config) return tl::unexpected(config.error());
  out.config = std::move(*config);
  const auto way = flags.one_shot.way(out.config);
  if (way == Way::channel) {
    return fail(Errc::bad_input, "with whom? Nothing goes out in the clear unless you say so",
                "--peer NAME for a session, or --plain");
  }
  out.request.topic = topic.empty() ? out.config.pubtop : topic;
  if (out.request.topic.empty()) return fail(Errc::bad_input, "no topic", "-t TOPIC");
  out.request.qos = client::qos_of(out.config);
  if (way == Way::plain) {
    if (auto expected = expect_answer(flags, out); !expected) {
      return tl::unexpected(expected.error());
    }
  } else if (flags.message.any() || !flags.response_topic.empty()) {
    return fail(Errc::bad_input, "-e and properties are not for a session: it has no such thing",
                "leave them out (--return-topic sets where answers go), or use --plain");
  }
  out.timeout = std::chrono::seconds(flags.timeout);
  auto format = flags.format.choices();
  if (!format) return tl::unexpected(format.error());
  out.sink.format = std::move(*format);
  out.sink.count = 1;
  auto read = flags.payload.read();
  if (!read) return tl::unexpected(read.error());
  out.request.payload = std::move(*read);
  return out;
}

int run(const RrFlags& flags) {
  auto chosen = choices(flags);
  if (!chosen) return report(tl::unexpected(chosen.error()));
  asio::io_context loop(1);
  const bool plain = flags.one_shot.way(chosen->config) == Way::plain;
  return plain ? run_plain_rr(loop, std::move(*chosen)) : run_session_rr(loop, std::move(*chosen));
}

}  // namespace

void add_rr_command(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<RrFlags>();
  auto* rr = app.add_subcommand("rr", "Send a request and show the answer");
  rr->add_option("-t,--topic", flags->topic, "topic of the request");
  rr->add_option("-e", flags->response_topic, "topic of the answer, in the clear (sts-rr/RANDOM)");
  flags->payload.add_to(*rr, "request");
  rr->add_option("-W", flags->timeout, "seconds to wait for it (30), else exit code 27")
      ->check(CLI::Range(1, 1 << 30));
  flags->format.add_to(*rr);
  flags->message.add_to(*rr);
  flags->one_shot.add_to(*rr);
  rr->footer(rr_examples);
  rr->callback([flags, &exit_code] { exit_code = run(*flags); });
}

}  // namespace sts::cli
