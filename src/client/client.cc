#include "client/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <ctime>

#include "client/conversation.h"
#include "mqtt/mosquitto.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

constexpr Duration reconnect_min = 1s;
constexpr Duration reconnect_max = 60s;
// A connection that lasted so long is no sign of a broker that accepts and hangs up at once.
constexpr Duration reconnect_stable = 10s;
// How long stop() waits for acknowledgements; the peer's probes come sooner.
constexpr Duration drain_time = 10s;
// MQTT's largest packet (MQTT 5, section 1.5.5), and its fixed header, packet id and properties.
constexpr std::size_t mqtt_max_packet = 268'435'455;
constexpr std::size_t publish_overhead = 16;

/// Unlike the steady clock it counts the time that the machine was suspended: keys age meanwhile.
Instant boot_time() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return Instant(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

const char* name(Mode mode) {
  switch (mode) {
    case Mode::nosec:
      return "nosec";
    case Mode::initiator:
      return "master";
    case Mode::responder:
      return "slave";
  }
  return "";
}

}  // namespace

class Client::Impl final : private mqtt::Handler, private Port {
 public:
  Impl(asio::io_context& loop, const store::Home& home, Random& random, Observer& observer,
       const MakeTransport& make_transport, Clock clock)
      : loop_(loop),
        home_(home),
        random_(random),
        observer_(observer),
        clock_(std::move(clock)),
        transport_(make_transport(*this)),
        timer_(loop) {}

  Result<void> start(Config config, std::optional<Duration> default_timeout) {
    if (state_ != State::stopped) {
      return fail(Errc::refused, "a session is running", "stop it first");
    }
    for (const auto& warning : config.warnings) log(Level::warning, warning);
    auto made = make(config);
    if (!made) return tl::unexpected<Error>(made.error());
    config_ = std::move(config);
    conversation_ = std::move(*made);
    reconnect_after_ = reconnect_min;
    connected_once_ = subscribed_ = up_ = false;
    sent_ = received_ = given_up_ = 0;
    version_ = conversation_->version();
    if (config_.timeout) default_timeout = *config_.timeout;
    start_timeout_ = default_timeout.value_or(Duration::zero());
    if (default_timeout) patience_until_ = clock_() + start_timeout_;
    change(State::connecting);
    connect();
    schedule();
    return {};
  }

  void stop(bool impatient) {
    if (state_ == State::stopped) return;
    const bool has_session = up_;
    if (state_ != State::stopping) {
      change(State::stopping);
      patience_until_ = clock_() + drain_time;
      conversation_->stop(clock_());
      schedule();
    }
    // Later, since the conversation may be who asked.
    if (!has_session || impatient) later([this] { finish(undelivered()); });
  }

  Result<void> send(std::string_view text, bool encrypted) {
    if (state_ == State::stopping) return fail(Errc::refused, "the session is being stopped");
    if (!conversation_) return fail(Errc::refused, "no session", "start CONFIG");
    auto outcome = conversation_->send(text, encrypted, clock_());
    if (outcome) ++sent_;
    schedule();
    return outcome;
  }

  State state() const { return state_; }

  Status status() const {
    Status out;
    out.state = state_;
    if (!conversation_) return out;
    out.broker_connected = subscribed_;
    out.config = config_.name;
    out.mode = name(config_.mode);
    out.url = config_.url;
    out.port = config_.port;
    out.username = config_.username;
    out.clientid = config_.clientid;
    out.subtop = config_.subtop;
    out.pubtop = config_.pubtop;
    out.mqtt_version = version_ == mqtt::Version::v5 ? "5" : "3.1.1";
    out.sent = sent_;
    out.received = received_;
    conversation_->describe(out, clock_());
    return out;
  }

  Instant next_deadline() const {
    const Instant next = std::min(patience_until_, reconnect_at_);
    return conversation_ ? std::min(next, conversation_->next_deadline()) : next;
  }

  void advance() {
    const Instant now = clock_();
    if (now >= patience_until_) {
      return finish(state_ == State::stopping ? undelivered() : no_session());
    }
    if (now >= reconnect_at_) {
      reconnect_at_ = never;
      connect();
    }
    if (conversation_ && now >= conversation_->next_deadline()) conversation_->advance(now);
    schedule();
  }

 private:
  Result<std::unique_ptr<Conversation>> make(const Config& config) {
    if (config.mode == Mode::nosec) return make_plain(*this);
    if (config.aes != Aes::null) return make_legacy(config, random_, *this);
    return make_secure(config, home_, random_, *this);
  }

  void connect() {
    mqtt::Options options;
    options.host = config_.url;
    options.port = config_.port;
    options.client_id = config_.clientid;
    options.username = config_.username;
    options.password = config_.password;
    options.keep_alive = config_.keep_alive;
    options.version = version_;
    transport_->connect(options);
  }

  // --- mqtt::Handler
  void on_connected(mqtt::Version version, std::uint32_t maximum_packet_size) override {
    version_ = version;
    const std::size_t packet = maximum_packet_size > 0 ? maximum_packet_size : mqtt_max_packet;
    const std::size_t overhead = publish_overhead + config_.pubtop.size();
    max_payload_ = packet - std::min(packet, overhead);
    log(Level::info, fmt::format("connected to {}:{} (MQTT {})", config_.url, config_.port,
                                 version == mqtt::Version::v5 ? "5" : "3.1.1"));
    transport_->subscribe(config_.subtop, conversation_->qos());
  }

  void on_subscribed(const std::string&, Result<void> outcome) override {
    if (!outcome) return lost(outcome.error());
    connected_once_ = subscribed_ = true;
    subscribed_at_ = clock_();
    told_.clear();
    if (state_ == State::connecting) change(State::waiting);
    conversation_->online(max_payload_, clock_());
    schedule();
  }

  void on_disconnected(const Error& why) override { lost(why); }

  void on_message(mqtt::Message message) override {
    if (!conversation_) return;
    conversation_->receive(message.payload, clock_());
    schedule();
  }

  void on_published(mqtt::PublishId id, Result<void> outcome) override {
    if (!conversation_) return;
    conversation_->published(id, outcome, clock_());
    schedule();
  }

  /// No connection: at the start that ends it, later it is tried again for ever.
  void lost(const Error& why) {
    const bool was_subscribed = std::exchange(subscribed_, false);
    if (!connected_once_) return finish(why);
    transport_->disconnect();
    const Instant now = clock_();
    if (was_subscribed) {
      conversation_->offline(now);
      if (now - subscribed_at_ >= reconnect_stable) reconnect_after_ = reconnect_min;
    }
    if (why.message != told_) {
      told_ = why.message;
      log(Level::warning, one_line(why) + "; trying again until it is back");
    }
    std::array<std::uint8_t, 1> jitter{};
    random_.fill(jitter);
    // Between half and all of it, so that a fleet doesn't come back in step.
    const auto half = reconnect_after_ / 2;
    reconnect_at_ = now + half + half * jitter[0] / 255;
    reconnect_after_ = std::min(2 * reconnect_after_, reconnect_max);
    schedule();
  }

  // --- Port
  Result<mqtt::PublishId> publish(ByteView payload, mqtt::Qos qos) override {
    if (!subscribed_) return fail(Errc::io, "not connected to the broker");
    return transport_->publish(config_.pubtop, payload, qos, false);
  }
  void sent(ByteView payload) override { observer_.on_sent(payload); }
  void received(const std::string& peer, ByteView message) override {
    ++received_;
    observer_.on_message(peer, message);
  }
  void log(Level level, const std::string& line) override { observer_.on_log(level, line); }

  void up(bool up) override {
    up_ = up;
    if (state_ == State::stopping) return;
    if (up) patience_until_ = never;
    change(up ? State::up : State::waiting);
  }

  // The conversation is still at work when it says so.
  void ended(std::optional<Error> failed) override {
    later([this, failed = std::move(failed)] { finish(failed); });
  }
  void room() override {
    later([this] { observer_.on_room(); });
  }
  void given_up(std::size_t messages, const std::string& line) override {
    given_up_ += messages;
    log(Level::error, line);
  }

  // --- Time and order
  /// Runs `what` from the loop, unless the session it was meant for has ended.
  template <typename What>
  void later(What what) {
    asio::post(loop_, [what = std::move(what), alive = std::weak_ptr(alive_)] {
      if (alive.lock()) what();
    });
  }

  void schedule() {
    const Instant next = next_deadline();
    if (next == armed_) return;
    armed_ = next;
    if (next == never) {
      timer_.cancel();
      return;
    }
    const Instant now = clock_();
    timer_.expires_after(std::max(next, now) - now);
    timer_.async_wait([this, alive = std::weak_ptr(living_)](const asio::error_code& cancelled) {
      if (cancelled || !alive.lock()) return;
      armed_ = never;
      advance();
    });
  }

  void change(State state) {
    if (state == state_) return;
    state_ = state;
    // Posted, since whoever waits for it will call start(), stop() or send().
    asio::post(loop_, [this, state, alive = std::weak_ptr(living_)] {
      if (alive.lock()) observer_.on_state(state, {});
    });
  }

  std::optional<Error> undelivered() const {
    const auto count = conversation_->unacknowledged();
    if (count == 0) return std::nullopt;
    return Error{Errc::io, fmt::format("{} messages were not acknowledged in time and may not have "
                                       "arrived",
                                       count)};
  }

  Error no_session() const {
    return {Errc::io, fmt::format("no session after {} s", start_timeout_ / 1s),
            connected_once_
                ? "is the peer running, with these topics crossed over, and does it trust this key?"
                : ""};
  }

  void finish(std::optional<Error> failed) {
    if (state_ == State::stopped) return;
    alive_ = std::make_shared<int>();
    transport_->disconnect();
    subscribed_ = up_ = false;
    if (!failed && given_up_ > 0) {
      failed = Error{Errc::io, fmt::format("{} messages were not delivered", given_up_)};
    }
    conversation_.reset();
    config_ = {};
    patience_until_ = reconnect_at_ = never;
    schedule();
    state_ = State::stopped;
    if (failed) log(Level::error, failed->message);
    log(Level::info, "session stopped");
    asio::post(loop_, [this, failed = std::move(failed), alive = std::weak_ptr(living_)] {
      if (alive.lock()) observer_.on_state(State::stopped, failed);
    });
  }

  asio::io_context& loop_;
  const store::Home& home_;
  Random& random_;
  Observer& observer_;
  Clock clock_;
  std::unique_ptr<mqtt::Transport> transport_;
  asio::steady_timer timer_;
  Instant armed_ = never;                                  // when the timer goes off
  std::shared_ptr<int> alive_ = std::make_shared<int>();   // this session
  std::shared_ptr<int> living_ = std::make_shared<int>();  // this object

  Config config_;
  std::unique_ptr<Conversation> conversation_;
  State state_ = State::stopped;
  mqtt::Version version_ = mqtt::Version::v5;
  std::size_t max_payload_ = 0;
  bool connected_once_ = false, subscribed_ = false, up_ = false;
  std::string told_;  // the reason for being offline that was logged last
  Duration reconnect_after_ = reconnect_min;
  Instant reconnect_at_ = never, subscribed_at_{};
  /// When a start has failed, or stop() has waited enough.
  Instant patience_until_ = never;
  Duration start_timeout_{};
  std::uint64_t sent_ = 0, received_ = 0, given_up_ = 0;  // messages
};

Client::Client(asio::io_context& loop, const store::Home& home, Random& random, Observer& observer)
    : Client(
          loop, home, random, observer,
          [&loop](mqtt::Handler& handler) {
            return std::make_unique<mqtt::Mosquitto>(loop, handler);
          },
          boot_time) {}

Client::Client(asio::io_context& loop, const store::Home& home, Random& random, Observer& observer,
               const MakeTransport& make_transport, Clock clock)
    : impl_(
          std::make_unique<Impl>(loop, home, random, observer, make_transport, std::move(clock))) {}

Client::~Client() = default;

Result<void> Client::start(Config config, std::optional<Duration> default_timeout) {
  return impl_->start(std::move(config), default_timeout);
}
void Client::stop(bool impatient) { impl_->stop(impatient); }
Result<void> Client::send(std::string_view text) { return impl_->send(text, false); }
Result<void> Client::send_encrypted(std::string_view text) { return impl_->send(text, true); }
State Client::state() const { return impl_->state(); }
Status Client::status() const { return impl_->status(); }
Instant Client::next_deadline() const { return impl_->next_deadline(); }
void Client::advance() { impl_->advance(); }

}  // namespace sts::client
