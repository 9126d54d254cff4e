#include "client/presence.h"

#include <utility>

namespace sts::client {
namespace {

/// How long a reader that was removed may go on opening the will, where nothing is sent.
constexpr Duration will_checked = std::chrono::minutes(1);

}  // namespace

Presence::Broker Presence::through(Uplink& uplink) {
  return {[&](auto subscription) { uplink.subscribe(std::move(subscription)); },
          [&](const auto& filter) { uplink.unsubscribe(filter); }, [&] { uplink.reconnect(); }};
}

Presence::Presence(asio::io_context& loop, Clock clock, Broker broker, ChannelWriter& writer,
                   Duration heartbeat, Owner owner)
    : clock_(std::move(clock)),
      broker_(std::move(broker)),
      writer_(writer),
      heartbeat_(heartbeat),
      owner_(std::move(owner)),
      timer_(loop, clock_, [this] { advance(); }) {}

void Presence::publish(Result<std::vector<mqtt::Message>> messages) {
  if (!messages) return owner_.log(error_line(messages.error()));
  if (!messages->empty()) owner_.publish(std::move(*messages));
}

void Presence::on_connecting(mqtt::Options& options) {
  auto will = writer_.connecting();
  if (!will) owner_.log(error_line(will.error()));
  options.will = will ? std::move(*will) : std::nullopt;
}

void Presence::on_online() {
  online_ = true;
  changing_ = false;
  publish(writer_.reconnected());
  publish(writer_.announce());
  if (const auto filter = writer_.look()) {
    // At QoS 0 all of it comes at once.
    return broker_.subscribe({*filter, mqtt::Qos::at_most_once});
  }
  wait();
  owner_.ready();
}

void Presence::on_offline() {
  online_ = false;
  // A broker that hangs up on whoever looks is not asked again.
  const auto filter = writer_.look();
  if (!filter) return;
  broker_.unsubscribe(*filter);
  looked();
}

void Presence::on_subscribed(const std::string& filter, const Result<mqtt::Qos>& granted) {
  if (filter != writer_.look()) return;
  if (!granted) return looked();
  // The answer comes behind what is retained.
  broker_.unsubscribe(filter);
}

void Presence::on_unsubscribed(const std::string& filter) {
  if (filter == writer_.look()) looked();
}

void Presence::looked() {
  publish(writer_.looked());
  if (!online_) return;
  wait();
  changing_ = true;
  check();
}

void Presence::check() {
  publish(writer_.renew_will());
  const bool was_changing = std::exchange(changing_, writer_.will_outdated());
  if (was_changing && !changing_) return owner_.ready();
  settle();
}

void Presence::settle() {
  if (changing_ && online_ && owner_.idle()) broker_.reconnect();
}

void Presence::wait() {
  const auto now = clock_();
  if (heartbeat_ > Duration::zero() && beat_at_ == never) beat_at_ = now + heartbeat_;
  if (writer_.has_will()) check_at_ = now + will_checked;
  timer_.set(next_deadline());
}

void Presence::stop() {
  beat_at_ = check_at_ = never;
  timer_.set(never);
}

void Presence::advance() {
  const auto now = clock_();
  const bool beats = now >= beat_at_, checks = now >= check_at_;
  if (beats) beat_at_ = now + heartbeat_;
  if (checks) check_at_ = now + will_checked;
  timer_.set(next_deadline());
  if (!online_) return;
  if (beats) publish(writer_.heartbeat());
  if (beats || checks) check();
}

}  // namespace sts::client
