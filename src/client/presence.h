// What a sender on channels owes to each of its connections: a will that readers know, the keys,
// and before all a look for what it left at the broker.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "client/channel_writer.h"
#include "client/messenger.h"
#include "client/timer.h"
#include "client/uplink.h"

namespace sts::client {

/// To be told what an uplink tells its owner.
class Presence {
 public:
  /// What it asks of the uplink. `reconnect` may come while the last one is not done.
  struct Broker {
    std::function<void(mqtt::Subscription)> subscribe;
    std::function<void(const std::string&)> unsubscribe;
    std::function<void()> reconnect;
  };
  /// `uplink` is not owned.
  static Broker through(Uplink& uplink);

  struct Owner {
    std::function<void(std::vector<mqtt::Message>)> publish;
    std::function<bool()> idle;   // nothing published is unanswered
    std::function<void()> ready;  // may_seal()
    std::function<void(const Line&)> log;
  };
  /// `heartbeat`: how often; zero: not at all. The references are not owned.
  Presence(asio::io_context& loop, Clock clock, Broker broker, ChannelWriter& writer,
           Duration heartbeat, Owner owner);

  void on_connecting(mqtt::Options& options);
  void on_online();
  void on_offline();
  void on_message(const mqtt::Message& message) { writer_.found(message); }
  void on_subscribed(const std::string& filter, const Result<mqtt::Qos>& granted);
  void on_unsubscribed(const std::string& filter);

  /// Not while it looks, or the will is to be changed: that waits until nothing is unanswered.
  bool may_seal() const { return !changing_ && !writer_.look(); }
  /// Something was sealed.
  void check();
  /// The broker has answered something.
  void settle();
  void stop();

  Instant next_deadline() const { return std::min(beat_at_, check_at_); }
  /// Its own timer does it, too.
  void advance();

 private:
  void looked();
  void publish(Result<std::vector<mqtt::Message>> messages);
  void wait();

  Clock clock_;
  Broker broker_;
  ChannelWriter& writer_;
  Duration heartbeat_;
  Owner owner_;
  Timer timer_;
  Instant beat_at_ = never, check_at_ = never;
  bool online_ = false, changing_ = false;
};

}  // namespace sts::client
