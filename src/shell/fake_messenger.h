// For the tests of the shell: a client without a broker, that does what the config's name says.
#pragma once

#include <fmt/format.h>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/topic.h"
#include "client/messenger.h"

namespace sts::shell {

/// "up": comes up. "plant": the same, of channels. "never": waits for a peer. "refused": fails.
/// "full": up, and every first try to send is refused for lack of room. "slow": up, and only an
/// impatient stop ends it. All that it is asked is logged. It hears what it publishes itself; QoS 1
/// is the highest, and the filter "no" is refused.
class FakeMessenger : public client::Messenger {
 public:
  FakeMessenger(asio::io_context& loop, client::Observer& observer)
      : loop_(loop), observer_(observer) {}

  Result<void> start(client::Config config, std::optional<Duration> timeout) override {
    name_ = config.name;
    say(timeout ? fmt::format("start {} for {} s", name_, timeout->count() / 1'000'000'000)
                : fmt::format("start {} for ever", name_));
    state_ = client::State::connecting;
    if (name_ == "refused") {
      change(client::State::stopped, Error{Errc::io, "connection refused", "install a broker"});
    } else {
      change(client::State::waiting);
      if (name_ != "never") change(client::State::up);
    }
    return {};
  }

  void stop(bool impatient) override {
    say(fmt::format("stop{}", impatient ? " impatiently" : ""));
    if (state_ == client::State::up) set(client::State::stopping, {});
    if (state_ == client::State::stopping && name_ == "slow" && !impatient) return;
    change(client::State::stopped);
  }

  bool ready() const override { return state_ == client::State::up; }

  Result<void> send(std::string_view) override {
    return fail(Errc::refused, "the session is encrypted", "use 'sendenc'");
  }

  Result<void> send_encrypted(std::string_view text) override {
    if (state_ != client::State::up) {
      return fail(Errc::refused, "no session is up", "start one");
    }
    if (name_ == "full" && (full_ = !full_)) {
      later([this] { observer_.on_room(); });
      return fail(Errc::limit, "too much is unacknowledged");
    }
    ++sent_;
    observer_.on_sent(as_bytes(text));
    return {};
  }

  Result<void> publish_on(const mqtt::Message& message) override {
    if (name_ == "full" && (full_ = !full_)) {
      later([this] { observer_.on_room(); });
      return fail(Errc::limit, "too much is unacknowledged");
    }
    say(fmt::format("publish {} QoS {}{}", message.topic, static_cast<int>(message.qos),
                    message.retain ? " retained" : ""));
    observer_.on_sent(message.payload);
    for (const auto& topic : topics_) {
      if (!topic_matches(topic.filter, message.topic)) continue;
      client::Received received{message};
      if (name_ == "plant") received.sender = "pump";
      later([this, received] { observer_.on_message(received); });
    }
    return {};
  }
  Result<void> subscribe(mqtt::Subscription subscription) override {
    if (subscription.filter == "never") return {};
    later([this, subscription] {
      if (subscription.filter == "no") {
        return observer_.on_subscribed("no", fail(Errc::refused, "not authorised"));
      }
      const auto granted = std::min(subscription.qos, mqtt::Qos::at_least_once);
      topics_.push_back({subscription.filter, subscription.qos, granted});
      observer_.on_subscribed(subscription.filter, granted);
    });
    return {};
  }
  Result<void> unsubscribe(const std::string& filter) override {
    std::erase_if(topics_, [&](const auto& topic) { return topic.filter == filter; });
    later([this, filter] { observer_.on_unsubscribed(filter, {}); });
    return {};
  }
  std::vector<client::Topic> topics() const override { return topics_; }
  Result<client::TopicRights> rights(const std::string& topic) const override {
    if (topic == "no/one") return client::TopicRights{};
    return client::TopicRights{{{"gateway", "1234-5678"}}, {{"pump", "8765-4321"}}};
  }

  client::State state() const override { return state_; }
  client::Status status() const override {
    client::Status status;
    status.state = state_;
    status.sent = sent_;
    if (name_ == "plant")
      status.reports = {{"pump", {{}, "t/a", {.delivered = 3, .missing = 1}}},
                        {"valve", {{}, "t/b", {.delivered = 1, .forged = 2}}}};
    return status;
  }

 private:
  void say(const std::string& text) { observer_.on_log({client::Level::info, "fake: " + text}); }

  template <typename What>
  void later(What what) {
    asio::post(loop_, [what, alive = std::weak_ptr(alive_)] {
      if (alive.lock()) what();
    });
  }

  void change(client::State state, const std::optional<Error>& failed = {}) {
    later([this, state, failed] {
      if (state_ != client::State::stopped) set(state, failed);
    });
  }

  void set(client::State state, const std::optional<Error>& failed) {
    state_ = state;
    if (failed) observer_.on_log(client::error_line(*failed));
    say(fmt::format("state {}", static_cast<int>(state)));
    observer_.on_state(state, failed);
  }

  asio::io_context& loop_;
  client::Observer& observer_;
  std::string name_;
  client::State state_ = client::State::stopped;
  std::uint64_t sent_ = 0;
  bool full_ = false;
  std::vector<client::Topic> topics_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace sts::shell
