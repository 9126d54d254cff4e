#include <utility>

#include "client/conversation.h"
#include "client/publish_queue.h"

namespace sts::client {
namespace {

class Plain final : public Conversation, private PublishQueue::Owner {
 public:
  Plain(const Config& config, Port& port)
      : port_(port), pubtop_(config.pubtop), qos_(qos_of(config)) {}

  mqtt::Qos qos() const override { return qos_; }

  Result<void> follow(mqtt::Subscription&) override { return {}; }
  Result<void> unfollow(const std::string&) override { return {}; }

  void online(std::size_t, bool resumed, Instant) override {
    was_online_ = true;
    queue_.online(resumed);
    port_.up(true);
    end_if_done();
  }

  void offline(Instant) override { queue_.offline(); }

  void receive(mqtt::Message message, Instant) override { port_.received({std::move(message)}); }

  void published(mqtt::PublishId id, const Result<void>& outcome, Instant) override {
    queue_.published(id, outcome);
    if (wants_room_ && !queue_.full()) {
      wants_room_ = false;
      port_.room();
    }
    end_if_done();
  }

  Result<void> send(std::string_view text, bool encrypted, Instant now) override {
    if (encrypted) {
      return fail(Errc::refused, "this session is not encrypted", "use send, or a secure sts_mode");
    }
    return publish({pubtop_, to_bytes(as_bytes(text)), qos()}, now);
  }

  Result<void> publish(const mqtt::Message& message, Instant) override {
    if (!was_online_) {
      return fail(Errc::refused, "not connected to the broker yet", "wait for \"connected to\"");
    }
    if (!queue_.full()) return queue_.push(message);
    wants_room_ = true;
    return fail(Errc::limit, "too many messages wait for the broker",
                "wait until it has taken some");
  }

  void stop(Instant) override {
    stopping_ = true;
    end_if_done();
  }

  std::size_t unacknowledged() const override { return queue_.size(); }
  Instant next_deadline() const override { return never; }
  void advance(Instant) override {}

  void describe(Status& status, Instant) const override {
    status.protocol = "none";
    status.cipher = "none";
  }

 private:
  // PublishQueue::Owner
  Result<mqtt::PublishId> publish(const mqtt::Message& message) override {
    return port_.publish(message);
  }
  void on_handed_over(const mqtt::Message& message) override { port_.sent(message.payload); }
  void on_given_up(const Error& why) override {
    port_.given_up(1, {why.code, "a message was not delivered: " + why.message, why.hint});
  }

  void end_if_done() {
    if (stopping_ && queue_.size() == 0) port_.ended({});
  }

  Port& port_;
  std::string pubtop_;
  mqtt::Qos qos_;
  PublishQueue queue_{*this};
  bool was_online_ = false, stopping_ = false, wants_room_ = false;
};

}  // namespace

std::unique_ptr<Conversation> make_plain(const Config& config, Port& port) {
  return std::make_unique<Plain>(config, port);
}

}  // namespace sts::client
