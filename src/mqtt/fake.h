// A broker and its clients in memory, for tests: nothing moves until the test calls run() or
// step(), and what moves, and in which order, is the test's to decide.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/topic.h"
#include "mqtt/packet_size.h"
#include "mqtt/transport.h"

namespace sts::mqtt {

class FakeTransport;

/// Routes as MQTT does (retained messages, QoS lowered to the subscription's, No Local under MQTT
/// 5, sessions that outlive a connection), unless a hook says otherwise. All hooks may be changed
/// at any time.
class FakeBroker {
 public:
  /// A message on its way to one subscriber.
  struct Delivery {
    std::weak_ptr<FakeTransport*> to;  // expires with the connection
    Message message;
  };

  /// What becomes of a publish: {} drops it, {m, m} doubles it; it may change what it returns.
  std::function<std::vector<Message>(const FakeTransport& from, const Message&)> on_publish;
  /// The outcome the publisher is told; nullopt: nothing, as if the PUBACK were lost.
  std::function<std::optional<Result<void>>(const Message&)> on_puback;
  std::function<Result<void>(const std::string& filter)> on_subscribe;
  bool answers_subscribe = true;            // else SUBSCRIBE and UNSUBSCRIBE are lost
  std::optional<Error> refuse_connect;      // what connect() ends with, where set
  Version version = Version::v5;            // the highest it knows
  std::uint32_t maximum_packet_size = 0;    // in bytes, 0: none
  std::size_t connects = 0;                 // that were tried
  bool hold = false;                        // deliveries go to `held` instead
  std::vector<Delivery> held;               // the test may reorder, change, double and erase
  std::vector<Message> published;           // all that arrived, for the test to read and clear
  std::map<std::string, Message> retained;  // by topic

  /// Carries out the oldest event; false where there is none.
  bool step() {
    if (events_.empty()) return false;
    auto event = std::move(events_.front());
    events_.pop_front();
    event();
    return true;
  }
  /// Until nothing is left to do.
  void run() {
    while (step()) {
    }
  }
  /// Delivers what is held, in the order of `held`, at the next run().
  void release() {
    for (auto& delivery : std::exchange(held, {})) deliver(std::move(delivery));
  }
  /// A message from nobody's connection: no hook sees it.
  void inject(const Message& message) { route(nullptr, message); }
  /// Ends a connection, or a connect under way; what was on its way in it is lost.
  inline void cut(FakeTransport& transport,
                  const Error& why = {Errc::io, "connection to fake:1883 lost"});
  inline void cut_all();

 private:
  friend class FakeTransport;
  inline void route(const FakeTransport* from, const Message& message);
  inline void deliver(Delivery delivery);
  inline void receive(const FakeTransport& from, const Message& message);

  std::deque<std::function<void()>> events_;
  std::vector<FakeTransport*> transports_;  // in the order they were made
};

/// One client of a FakeBroker. Neither reference is owned, and both must outlive it.
class FakeTransport final : public Transport {
 public:
  FakeTransport(FakeBroker& broker, Handler& handler) : broker_(broker), handler_(handler) {
    broker_.transports_.push_back(this);
  }
  ~FakeTransport() override { std::erase(broker_.transports_, this); }
  FakeTransport(const FakeTransport&) = delete;
  FakeTransport& operator=(const FakeTransport&) = delete;

  bool connected() const { return connected_; }
  const Options& options() const { return options_; }
  bool held() const { return held_; }
  const std::map<std::string, Subscription>& subscriptions() const { return subscriptions_; }

  void connect(const Options& options) override {
    drop();
    held_ = false;
    if (options.clean_start) forget_session();
    const bool present =
        std::exchange(session_, options.session_expiry.count() > 0) && !options.clean_start;
    options_ = options;
    connection_ = std::make_shared<FakeTransport*>(this);
    ++broker_.connects;
    later([present](FakeTransport& self) {
      if (self.broker_.refuse_connect) return self.end(*self.broker_.refuse_connect);
      self.connected_ = true;
      Connected said;
      said.version = self.version();
      said.session_present = present;
      said.maximum_packet_size = self.broker_.maximum_packet_size;
      self.handler_.on_connected(said);
      for (auto& message : std::exchange(self.queued_, {})) {
        self.broker_.deliver({self.connection_, std::move(message)});
      }
    });
  }

  void disconnect() override {
    drop();
    forget_session();
  }

  void subscribe(const Subscription& wanted) override {
    if (!connected_ || !broker_.answers_subscribe) return;
    later([wanted](FakeTransport& self) {
      Result<Qos> granted = wanted.qos;
      const auto taken =
          self.broker_.on_subscribe ? self.broker_.on_subscribe(wanted.filter) : Result<void>{};
      if (taken) {
        self.subscriptions_[wanted.filter] = wanted;
        for (const auto& [name, message] : self.broker_.retained) {
          if (!topic_matches(wanted.filter, name)) continue;
          self.broker_.deliver({self.connection_, message});
        }
      } else {
        granted = tl::unexpected<Error>(taken.error());
      }
      self.handler_.on_subscribed(wanted.filter, granted);
    });
  }

  void unsubscribe(const std::string& filter) override {
    if (!connected_ || !broker_.answers_subscribe) return;
    later([filter](FakeTransport& self) {
      self.subscriptions_.erase(filter);
      self.handler_.on_unsubscribed(filter, {});
    });
  }

  Result<PublishId> publish(const Message& message) override {
    if (!connected_) return fail(Errc::io, "not connected to fake:1883");
    if (auto fits = check_packet_size(message.topic.size(), message.payload.size(), message.qos,
                                      version(), broker_.maximum_packet_size);
        !fits) {
      return tl::unexpected<Error>(fits.error());
    }
    later([id = ++last_id_, message](FakeTransport& self) {
      self.broker_.receive(self, message);
      auto outcome = self.broker_.on_puback ? self.broker_.on_puback(message) : Result<void>{};
      if (outcome) self.handler_.on_published(id, *outcome);
    });
    return last_id_;
  }

  /// Only remembered: what comes is the test's to decide.
  void hold(bool held) override { held_ = held; }
  void acknowledge() override { untaken_.clear(); }

 private:
  friend class FakeBroker;

  Version version() const { return std::min(options_.version, broker_.version); }

  /// Queues an event that is dropped if this connection is over by then.
  template <typename Event>
  void later(Event event) {
    broker_.events_.emplace_back([connection = std::weak_ptr(connection_), event] {
      if (auto self = connection.lock()) event(**self);
    });
  }

  void receive(const Message& message) {
    if (options_.acknowledge_when_taken && message.qos == Qos::at_least_once) {
      untaken_.push_back(message);
    }
    handler_.on_message(message);
  }

  void drop() {
    connection_.reset();
    connected_ = false;
    queued_.insert(queued_.begin(), untaken_.begin(), untaken_.end());
    untaken_.clear();
    if (!session_) forget_session();
  }

  void forget_session() {
    subscriptions_.clear();
    untaken_.clear();
    queued_.clear();
  }

  void end(const Error& why) {
    drop();
    handler_.on_disconnected(why, 0);
  }

  FakeBroker& broker_;
  Handler& handler_;
  Options options_;
  std::shared_ptr<FakeTransport*> connection_;  // empty: none
  bool connected_ = false;
  bool held_ = false;
  bool session_ = false;  // the broker keeps it when the connection ends
  PublishId last_id_ = 0;
  std::map<std::string, Subscription> subscriptions_;
  std::vector<Message> queued_;   // for the session's next connection
  std::vector<Message> untaken_;  // told, where options.acknowledge_when_taken
};

inline void FakeBroker::cut(FakeTransport& transport, const Error& why) {
  if (!transport.connection_) return;
  // A connection of its own for the news, so that nothing older comes with it.
  transport.connection_ = std::make_shared<FakeTransport*>(&transport);
  transport.connected_ = false;
  transport.later([why](FakeTransport& self) { self.end(why); });
}

inline void FakeBroker::cut_all() {
  for (auto* transport : transports_) cut(*transport);
}

inline void FakeBroker::receive(const FakeTransport& from, const Message& message) {
  published.push_back(message);
  if (!on_publish) return route(&from, message);
  for (const auto& copy : on_publish(from, message)) route(&from, copy);
}

inline void FakeBroker::route(const FakeTransport* from, const Message& message) {
  if (message.retain) {
    if (message.payload.empty()) {
      retained.erase(message.topic);
    } else {
      retained[message.topic] = message;
    }
  }
  for (auto* transport : transports_) {
    for (const auto& [filter, wanted] : transport->subscriptions_) {
      if (!topic_matches(filter, message.topic)) continue;
      const bool v5 = transport->version() == Version::v5;
      if (transport == from && wanted.no_local && v5) continue;
      Message copy = message;
      copy.qos = std::min(wanted.qos, message.qos);
      copy.retain = wanted.retain_as_published && v5 && message.retain;
      if (transport->connected_) {
        deliver({transport->connection_, std::move(copy)});
      } else if (copy.qos != Qos::at_most_once) {
        transport->queued_.push_back(std::move(copy));
      }
    }
  }
}

inline void FakeBroker::deliver(Delivery delivery) {
  if (hold) {
    held.push_back(std::move(delivery));
    return;
  }
  events_.emplace_back([delivery = std::move(delivery)] {
    const auto to = delivery.to.lock();
    if (to) (*to)->receive(delivery.message);
  });
}

}  // namespace sts::mqtt
