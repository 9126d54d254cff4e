#include "client/client.h"

#include <algorithm>
#include <utility>

namespace sts::client {
namespace {

using namespace std::chrono_literals;

// How long stop() waits for acknowledgements; the peer's probes come sooner.
constexpr Duration drain_time = 10s;

const char* name(Mode mode) {
  switch (mode) {
    case Mode::nosec:
      return "nosec";
    case Mode::initiator:
      return "master";
    case Mode::responder:
      return "slave";
    case Mode::channel:
      return "channel";
  }
  return "";
}

Uplink::Target target(const Config& config, const Conversation& conversation) {
  Uplink::Target target{config.broker, {}, config.retry || conversation.accepts_offline()};
  if (config.mode != Mode::nosec) target.options.will.reset();  // in the clear as it is
  target.options.version = std::min(config.broker.version, conversation.version());
  target.subscriptions = conversation.subscriptions();
  // Never our own: a broker that echoes would make a session talk to itself.
  if (!config.subtop.empty()) {
    target.subscriptions.push_back({config.subtop, conversation.qos(), true});
  }
  return target;
}

}  // namespace

Client::Client(asio::io_context& loop, const store::Home& home, Random& random, Observer& observer)
    : Client(loop, home, random, observer, real_transport(loop), boot_time) {}

Client::Client(asio::io_context& loop, const store::Home& home, Random& random, Observer& observer,
               const MakeTransport& make_transport, Clock clock)
    : loop_(loop),
      home_(home),
      random_(random),
      observer_(observer),
      clock_(std::move(clock)),
      timer_(loop, clock_, [this] { advance_own(); }),
      uplink_(loop, clock_, random, *this, make_transport) {}

Result<void> Client::start(Config config, std::optional<Duration> default_timeout) {
  if (state_ != State::stopped) {
    return fail(Errc::refused, "a session is running", "stop it first");
  }
  for (const auto& warning : config.warnings) log({Level::warning, warning});
  auto made = make(config);
  if (!made) return tl::unexpected<Error>(made.error());
  config_ = std::move(config);
  conversation_ = std::move(*made);
  was_up_ = false;
  sent_ = received_ = given_up_ = 0;
  if (ready()) default_timeout.reset();
  if (config_.timeout) default_timeout = *config_.timeout;
  start_timeout_ = default_timeout.value_or(Duration::zero());
  if (default_timeout) patience_until_ = clock_() + start_timeout_;
  change(State::connecting);
  uplink_.open(target(config_, *conversation_));
  schedule();
  return {};
}

Result<std::unique_ptr<Conversation>> Client::make(const Config& config) {
  if (config.mode == Mode::nosec) return make_plain(config, *this);
  if (config.mode == Mode::channel)
    return make_channel(loop_, config, home_, random_, clock_, *this);
  if (config.aes != Aes::null) return make_legacy(config, random_, *this);
  return make_secure(loop_, config, home_, random_, clock_, *this);
}

void Client::stop(bool impatient) {
  if (state_ == State::stopped) return;
  const bool was_ready = ready();
  if (state_ != State::stopping) {
    change(State::stopping);
    patience_until_ = clock_() + drain_time;
    remind_at_ = never;
    conversation_->stop(clock_());
    schedule();
  }
  // Later, since the conversation may be who asked.
  if (!was_ready || impatient) later([this] { finish(undelivered()); });
}

Result<void> Client::accepts() const {
  if (state_ == State::stopping) {
    return fail(Errc::refused, "the session is being stopped",
                "start it again once it has stopped");
  }
  if (!conversation_) return fail(Errc::refused, "no session", "'start CONFIG' starts one");
  return {};
}

Result<void> Client::send(std::string_view text, bool encrypted) {
  if (auto accepted = accepts(); !accepted) return accepted;
  return count_sent(conversation_->send(text, encrypted, clock_()));
}

Result<void> Client::count_sent(Result<void> outcome) {
  if (outcome) ++sent_;
  schedule();
  return outcome;
}

Status Client::status() const {
  Status out;
  out.state = state_;
  if (!conversation_) return out;
  out.broker_connected = uplink_.online();
  out.config = config_.name;
  out.mode = name(config_.mode);
  out.url = config_.broker.host;
  out.port = config_.broker.port;
  out.username = config_.broker.username;
  out.clientid = config_.broker.client_id;
  out.subtop = config_.subtop;
  out.pubtop = config_.pubtop;
  out.mqtt_version = mqtt::version_number(uplink_.version());
  out.sent = sent_;
  out.received = received_;
  conversation_->describe(out, clock_());
  return out;
}

}  // namespace sts::client
