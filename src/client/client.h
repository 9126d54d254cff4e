// The client: carries out on a broker what a config asks for. The shell sits on it.
#pragma once

#include <asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "client/conversation.h"
#include "client/messenger.h"
#include "client/timer.h"
#include "client/uplink.h"
#include "store/home.h"

namespace sts::client {

/// One session at a time: a conversation, and the uplink that carries it.
class Client final : public Messenger, private Uplink::Owner, private Port {
 public:
  /// None of the references is owned; all must outlive the client.
  Client(asio::io_context& loop, const store::Home& home, Random& random, Observer& observer);
  Client(asio::io_context& loop, const store::Home& home, Random& random, Observer& observer,
         const MakeTransport& make_transport, Clock clock);

  Result<void> start(Config config, std::optional<Duration> default_timeout) override;
  void stop(bool impatient) override;
  Result<void> send(std::string_view text) override { return send(text, false); }
  Result<void> send_encrypted(std::string_view text) override { return send(text, true); }
  Result<void> publish_on(const mqtt::Message& message) override;
  Result<void> subscribe(mqtt::Subscription subscription) override;
  Result<void> unsubscribe(const std::string& filter) override;
  std::vector<Topic> topics() const override;
  Result<TopicRights> rights(const std::string& topic) const override;
  State state() const override { return state_; }
  bool ready() const override { return up_ || (conversation_ && conversation_->accepts_offline()); }
  Status status() const override;
  /// Reads nothing from the broker while held: for an observer that is slower than the peer.
  void hold(bool held) { uplink_.hold(held); }
  /// Durable messages are taken when taken() says so, not when on_message() returns.
  void take_late() { takes_late_ = true; }
  void taken(std::uint64_t place);
  /// The same where Config::inbox is set: they are taken once they are in there, as these rows,
  /// and whatever else came besides. On an error nothing has changed.
  Result<void> take(std::uint64_t place, std::span<const store::Inbox::Message> rows);

  /// When something is due next, `never` for not by itself; and doing what is due. The client has
  /// timers on the loop for it, so only who moves the clock by hand needs to call them.
  Instant next_deadline() const;
  void advance();

 private:
  // Uplink::Owner
  void on_connecting(mqtt::Options& options) override { conversation_->connecting(options); }
  void on_online(const mqtt::Connected& broker) override;
  void on_offline() override;
  void on_no_connection(const Error& why, int) override { finish(why); }
  void on_message(mqtt::Message message) override;
  void on_published(mqtt::PublishId id, const Result<void>& outcome) override;
  void on_subscribed(const std::string& filter, const Result<mqtt::Qos>& granted) override;
  void on_unsubscribed(const std::string& filter, const Result<void>& outcome) override;

  // Port
  Result<mqtt::PublishId> publish(const mqtt::Message& message) override {
    return uplink_.publish(message);
  }
  void listen(mqtt::Subscription subscription) override {
    uplink_.subscribe(std::move(subscription));
  }
  void unlisten(const std::string& filter) override { uplink_.unsubscribe(filter); }
  void reconnect() override {
    later([this] { uplink_.reconnect(); });
  }
  void sent(ByteView payload) override { observer_.on_sent(payload); }
  void received(Received received) override;
  void up(bool up) override;
  void ended(std::optional<Error> failed) override;
  void room() override;
  void drained() override;
  void given_up(std::size_t messages, const Error& why) override;

  // Both
  void log(const Line& line) override { observer_.on_log(line); }

  Result<std::unique_ptr<Conversation>> make(const Config& config);
  Result<void> send(std::string_view text, bool encrypted);
  Result<void> accepts() const;
  Result<void> count_sent(Result<void> outcome);
  Result<void> may_change_topics() const;
  void give_up_topics();
  Instant own_deadline() const;
  void advance_own();
  void schedule() { timer_.set(own_deadline()); }
  void change(State state);
  void tell_state(State state, const std::optional<Error>& failed);
  void finish(std::optional<Error> failed);
  std::optional<Error> undelivered() const;
  Error no_session() const;
  /// Runs `what` from the loop, unless the session it was meant for has ended.
  void later(std::function<void()> what);

  asio::io_context& loop_;
  const store::Home& home_;
  Random& random_;
  Observer& observer_;
  Clock clock_;
  Timer timer_;
  Uplink uplink_;
  std::shared_ptr<int> session_alive_ = std::make_shared<int>();
  std::shared_ptr<int> client_alive_ = std::make_shared<int>();

  std::map<std::string, mqtt::Qos> granted_;           // by filter
  std::set<std::string> subscribing_, unsubscribing_;  // filters that the broker owes an answer for

  Config config_;
  std::unique_ptr<Conversation> conversation_;
  State state_ = State::stopped;
  bool up_ = false, was_up_ = false;
  bool takes_late_ = false;
  std::uint64_t taken_ = 0;  // handed on, and to be taken at the end of this turn of the loop
  /// When a start has failed, or stop() has waited enough.
  Instant patience_until_ = never;
  Duration start_timeout_{};
  Instant remind_at_ = never;                             // that no peer came
  std::uint64_t sent_ = 0, received_ = 0, given_up_ = 0;  // messages
};

}  // namespace sts::client
