// The way to the broker: connects, subscribes, and comes back by itself when it was lost. It knows
// nothing of what it carries.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "client/backoff.h"
#include "client/messenger.h"
#include "client/timer.h"
#include "mqtt/transport.h"

namespace sts::client {

/// Makes the connection to the broker; tests make another one.
using MakeTransport = std::function<std::unique_ptr<mqtt::Transport>(mqtt::Handler&)>;
/// mqtt::Mosquitto on `loop`, which must outlive it.
MakeTransport real_transport(asio::io_context& loop);

class Uplink final : private mqtt::Handler {
 public:
  /// Where it leads to.
  struct Target {
    /// With a session that outlives the connection, what was unanswered goes on with the next one.
    mqtt::Options options;
    std::vector<mqtt::Subscription> subscriptions;
    bool retry = false;  // the very first connection too
  };

  /// What it tells, always from the event loop; close() may be called from all of it but log().
  class Owner {
   public:
    virtual ~Owner() = default;
    /// About to connect: what each CONNECT has anew may be set in `options`.
    virtual void on_connecting(mqtt::Options& /*options*/) {}
    /// Connected and subscribed.
    virtual void on_online(const mqtt::Connected& broker) = 0;
    /// Lost after on_online(); it is tried again until close().
    virtual void on_offline() = 0;
    /// The first try failed, and it is closed. `connack`: the reason code of a CONNACK that
    /// refused, else 0.
    virtual void on_no_connection(const Error& why, int connack) = 0;
    virtual void on_message(mqtt::Message message) = 0;
    virtual void on_published(mqtt::PublishId id, const Result<void>& outcome) = 0;
    /// What the broker grants, on each connection; an error only for what subscribe() asked for,
    /// which is then forgotten.
    virtual void on_subscribed(const std::string& /*filter*/,
                               const Result<mqtt::Qos>& /*granted*/) {}
    virtual void on_unsubscribed(const std::string& /*filter*/, const Result<void>& /*outcome*/) {}
    virtual void log(const Line& line) = 0;
  };

  /// None of the references is owned.
  Uplink(asio::io_context& loop, Clock clock, Random& random, Owner& owner,
         const MakeTransport& make_transport);

  void open(Target target);
  /// What was published still leaves. The owner hears nothing more.
  void close();
  /// Ends the connection, if there is one, in order, and makes another, whose CONNECT may say
  /// something else. For when nothing that was published is unanswered, else the new one may be
  /// there before the old one has ended, and the broker sends a will.
  void reconnect();

  bool online() const { return online_; }
  /// Whether it was online since open().
  bool was_online() const { return was_online_; }
  /// What was agreed with the broker, before that what will be asked for.
  mqtt::Version version() const { return target_.options.version; }
  /// Errc::io while it isn't online.
  Result<mqtt::PublishId> publish(const mqtt::Message& message);
  /// From now on, on later connections too.
  void subscribe(mqtt::Subscription subscription);
  void unsubscribe(const std::string& filter);
  const std::vector<mqtt::Subscription>& subscriptions() const { return target_.subscriptions; }
  /// As mqtt::Transport::hold, on later connections too.
  void hold(bool held);
  /// As mqtt::Transport::acknowledge.
  void acknowledge() { transport_->acknowledge(); }
  /// Ends the connection, or the attempt at one, and makes none until resume() was called as often.
  /// What wasn't acknowledged comes again then.
  void pause();
  void resume();
  bool paused() const { return pauses_ > 0; }

  Instant next_deadline() const { return std::min(reconnect_at_, answer_by_); }
  void advance();

 private:
  void on_connected(const mqtt::Connected& broker) override;
  void on_disconnected(const Error& why, int connack) override { lost(why, connack); }
  void on_message(mqtt::Message message) override { owner_.on_message(std::move(message)); }
  void on_published(mqtt::PublishId id, Result<void> outcome) override {
    owner_.on_published(id, outcome);
  }
  void on_subscribed(const std::string& filter, Result<mqtt::Qos> granted) override;
  void on_unsubscribed(const std::string& filter, Result<void> outcome) override;

  void connect();
  void leave(Instant until);
  void subscribed();
  void unsubscribe_locally(const std::string& filter);
  void wait_for_answers();
  void answered(const std::string& filter);
  void lost(const Error& why, int connack = 0);
  void schedule() { timer_.set(next_deadline()); }

  Clock clock_;
  Random& random_;
  Owner& owner_;
  Timer timer_;
  std::unique_ptr<mqtt::Transport> transport_;
  Target target_;
  bool online_ = false, was_online_ = false;
  bool held_ = false, asked_for_5_ = false;
  int pauses_ = 0;
  mqtt::Connected broker_;         // of the connection that is being made, or is
  std::set<std::string> awaited_;  // filters without SUBACK or UNSUBACK
  std::set<std::string> later_;    // those of subscribe(), without which it is online too
  std::string told_;               // the reason for being offline that was logged last
  Backoff backoff_;
  Instant reconnect_at_ = never, online_since_{};
  Instant answer_by_ = never;  // to SUBSCRIBE
};

}  // namespace sts::client
