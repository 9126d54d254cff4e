#include "client/uplink.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/hex.h"
#include "mqtt/errors.h"
#include "mqtt/mosquitto.h"

namespace sts::client {
namespace {

// A connection that lasted so long is no sign of a broker that accepts and hangs up at once.
constexpr Duration stable = std::chrono::seconds(10);

}  // namespace

MakeTransport real_transport(asio::io_context& loop) {
  return
      [&loop](mqtt::Handler& handler) { return std::make_unique<mqtt::Mosquitto>(loop, handler); };
}

Uplink::Uplink(asio::io_context& loop, Clock clock, Random& random, Owner& owner,
               const MakeTransport& make_transport)
    : clock_(std::move(clock)),
      random_(random),
      owner_(owner),
      timer_(loop, clock_, [this] { advance(); }),
      transport_(make_transport(*this)) {}

void Uplink::open(Target target) {
  target_ = std::move(target);
  auto& options = target_.options;
  if (options.client_id.empty() && options.session_expiry.count() > 0) {
    // A session needs an id to come back with.
    std::array<std::uint8_t, 8> id{};
    random_.fill(id);
    options.client_id = "sts-" + to_hex(id);
  }
  asked_for_5_ = options.version == mqtt::Version::v5;
  online_ = was_online_ = held_ = false;
  pauses_ = 0;
  told_.clear();
  later_.clear();
  backoff_.reset();
  connect();
}

void Uplink::connect() {
  awaited_.clear();
  for (const auto& subscription : target_.subscriptions) awaited_.insert(subscription.filter);
  owner_.on_connecting(target_.options);
  transport_->connect(target_.options);
}

void Uplink::close() {
  transport_->disconnect();
  target_ = {};
  awaited_.clear();
  online_ = was_online_ = false;
  reconnect_at_ = answer_by_ = never;
  schedule();
}

void Uplink::reconnect() {
  if (online_) leave(clock_());  // not at once: DISCONNECT leaves first
}

void Uplink::pause() {
  if (pauses_++ == 0) leave(never);
}

void Uplink::resume() {
  if (--pauses_ > 0) return;
  reconnect_at_ = clock_();
  schedule();
}

void Uplink::leave(Instant until) {
  transport_->disconnect();
  awaited_.clear();
  answer_by_ = never;
  reconnect_at_ = until;
  schedule();
  if (std::exchange(online_, false)) owner_.on_offline();
}

Result<mqtt::PublishId> Uplink::publish(const mqtt::Message& message) {
  if (!online_) {
    return fail(Errc::io, "not connected to the broker", "wait for \"connected to\"");
  }
  return transport_->publish(message);
}

void Uplink::subscribe(mqtt::Subscription subscription) {
  unsubscribe_locally(subscription.filter);
  later_.insert(subscription.filter);
  if (online_) {
    transport_->subscribe(subscription);
    awaited_.insert(subscription.filter);
    wait_for_answers();
  }
  target_.subscriptions.push_back(std::move(subscription));
}

void Uplink::unsubscribe(const std::string& filter) {
  unsubscribe_locally(filter);
  if (!online_) return;
  transport_->unsubscribe(filter);
  awaited_.insert(filter);
  wait_for_answers();
}

void Uplink::unsubscribe_locally(const std::string& filter) {
  std::erase_if(target_.subscriptions, [&](const auto& it) { return it.filter == filter; });
}

void Uplink::hold(bool held) {
  const bool changed = std::exchange(held_, held) != held;
  if (changed && online_) transport_->hold(held);  // else its answers have to be read first
}

void Uplink::advance() {
  const Instant now = clock_();
  if (now >= answer_by_) {
    transport_->disconnect();
    const auto* what = online_ ? "doesn't answer SUBSCRIBE or UNSUBSCRIBE"
                               : "took the connection, but doesn't answer SUBSCRIBE";
    lost({Errc::io, fmt::format("{} {}", mqtt::where(target_.options), what),
          "check that url and port name an MQTT broker, and its log"});
  } else if (now >= reconnect_at_) {
    reconnect_at_ = never;
    connect();
  }
  schedule();
}

void Uplink::on_connected(const mqtt::Connected& broker) {
  broker_ = broker;
  target_.options.version = broker.version;
  // The session of this connection is the one to go on with. Under 3.1.1 it would never end, so
  // there it has to be asked for.
  if (broker.version == mqtt::Version::v5 && target_.options.session_expiry.count() > 0) {
    target_.options.clean_start = false;
  }
  if (broker.session_present && was_online_) awaited_.clear();  // it knows what we subscribed to
  if (awaited_.empty()) return subscribed();
  wait_for_answers();
  for (const auto& subscription : target_.subscriptions) transport_->subscribe(subscription);
}

void Uplink::wait_for_answers() {
  answer_by_ = clock_() + target_.options.connect_timeout;
  schedule();
}

void Uplink::on_subscribed(const std::string& filter, Result<mqtt::Qos> granted) {
  if (!granted && !later_.contains(filter)) {
    transport_->disconnect();
    return lost(granted.error());
  }
  if (!granted) unsubscribe_locally(filter);
  // Before the owner asks for more; while connecting after, since the owner hears of that first.
  const bool was_online = online_;
  if (was_online) answered(filter);
  owner_.on_subscribed(filter, granted);  // which may close
  if (!was_online) answered(filter);
}

void Uplink::on_unsubscribed(const std::string& filter, Result<void> outcome) {
  const bool was_online = online_;
  if (was_online) answered(filter);
  owner_.on_unsubscribed(filter, outcome);  // which may close
  if (!was_online) answered(filter);
}

void Uplink::answered(const std::string& filter) {
  if (awaited_.erase(filter) == 0 || !awaited_.empty()) return;
  if (!online_) return subscribed();
  answer_by_ = never;
  schedule();
}

void Uplink::subscribed() {
  answer_by_ = never;
  schedule();
  online_ = was_online_ = true;
  online_since_ = clock_();
  const bool was_missed = !std::exchange(told_, {}).empty();
  if (version() != mqtt::Version::v5 && std::exchange(asked_for_5_, false)) {
    owner_.log({Level::warning,
                fmt::format("{} refuses MQTT 5: going on with 3.1.1, without properties",
                            mqtt::where(target_.options)),
                "mqtt_version = 3.1.1 (-V 3.1.1) asks for that at once"});
  }
  owner_.log({Level::info,
              fmt::format("connected to {} (MQTT {})", mqtt::where(target_.options),
                          mqtt::version_number(version())),
              {},
              was_missed});
  if (held_) transport_->hold(true);
  owner_.on_online(broker_);
}

void Uplink::lost(const Error& why, int connack) {
  if (!was_online_ && (!target_.retry || why.code != Errc::io)) {
    close();
    return owner_.on_no_connection(why, connack);
  }
  const Instant now = clock_();
  const bool was_online = std::exchange(online_, false);
  if (was_online && now - online_since_ >= stable) backoff_.reset();
  answer_by_ = never;
  reconnect_at_ = now + backoff_.next(random_);
  schedule();
  if (was_online) owner_.on_offline();
  if (std::exchange(told_, why.message) != why.message) {
    owner_.log({Level::warning, why.message + "; trying again until it is back", why.hint});
  }
}

}  // namespace sts::client
