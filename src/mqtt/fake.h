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

#include "mqtt/packet_size.h"
#include "mqtt/topic_filter.h"
#include "mqtt/transport.h"

namespace sts::mqtt {

class FakeTransport;

/// Routes as MQTT does (retained messages, QoS lowered to the subscription's, no echo under MQTT
/// 5), unless a hook says otherwise. All hooks may be changed at any time.
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
  std::function<Result<void>(const std::string& topic)> on_subscribe;
  std::optional<Error> refuse_connect;      // what connect() ends with, where set
  Version version = Version::v5;            // the highest it knows
  std::uint32_t maximum_packet_size = 0;    // in bytes, 0: none
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
  const std::map<std::string, Qos>& subscriptions() const { return subscriptions_; }

  void connect(const Options& options) override {
    disconnect();
    options_ = options;
    connection_ = std::make_shared<FakeTransport*>(this);
    later([](FakeTransport& self) {
      if (self.broker_.refuse_connect) return self.end(*self.broker_.refuse_connect);
      self.connected_ = true;
      self.handler_.on_connected(self.version(), self.broker_.maximum_packet_size);
    });
  }

  void disconnect() override {
    connection_.reset();
    connected_ = false;
    subscriptions_.clear();
  }

  void subscribe(const std::string& topic, Qos qos) override {
    if (!connected_) return;
    later([topic, qos](FakeTransport& self) {
      auto outcome = self.broker_.on_subscribe ? self.broker_.on_subscribe(topic) : Result<void>{};
      if (outcome) {
        self.subscriptions_[topic] = qos;
        for (const auto& [name, message] : self.broker_.retained) {
          if (!topic_matches(topic, name)) continue;
          self.broker_.deliver({self.connection_, message});
        }
      }
      self.handler_.on_subscribed(topic, outcome);
    });
  }

  Result<PublishId> publish(const std::string& topic, ByteView payload, Qos qos,
                            bool retain) override {
    if (!connected_) return fail(Errc::io, "not connected to fake:1883");
    if (auto fits = check_packet_size(topic.size(), payload.size(), qos, version(),
                                      broker_.maximum_packet_size);
        !fits) {
      return tl::unexpected<Error>(fits.error());
    }
    later([id = ++last_id_,
           message = Message{topic, to_bytes(payload), qos, retain}](FakeTransport& self) {
      self.broker_.receive(self, message);
      auto outcome = self.broker_.on_puback ? self.broker_.on_puback(message) : Result<void>{};
      if (outcome) self.handler_.on_published(id, *outcome);
    });
    return last_id_;
  }

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

  void end(const Error& why) {
    disconnect();
    handler_.on_disconnected(why);
  }

  FakeBroker& broker_;
  Handler& handler_;
  Options options_;
  std::shared_ptr<FakeTransport*> connection_;  // empty: none
  bool connected_ = false;
  PublishId last_id_ = 0;
  std::map<std::string, Qos> subscriptions_;
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
    if (!transport->connected_) continue;
    if (transport == from && transport->version() == Version::v5) continue;
    for (const auto& [filter, qos] : transport->subscriptions_) {
      if (!topic_matches(filter, message.topic)) continue;
      Delivery delivery{transport->connection_, message};
      delivery.message.qos = std::min(qos, message.qos);
      delivery.message.retain = false;
      deliver(std::move(delivery));
    }
  }
}

inline void FakeBroker::deliver(Delivery delivery) {
  if (hold) {
    held.push_back(std::move(delivery));
    return;
  }
  events_.emplace_back([delivery = std::move(delivery)] {
    auto to = delivery.to.lock();
    if (to) (*to)->handler_.on_message(delivery.message);
  });
}

}  // namespace sts::mqtt
