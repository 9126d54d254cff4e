// Messages accepted for the broker, until it has answered for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "base/result.h"
#include "mqtt/transport.h"

namespace sts::client {

/// In memory, in order. What a lost connection left unanswered goes out again on the next
/// one: at QoS 2 exactly once where the transport resumes, else at least once.
class PublishQueue {
 public:
  static constexpr std::size_t max_messages = 4096;
  static constexpr std::size_t max_bytes = std::size_t{4} << 20U;

  class Owner {
   public:
    virtual ~Owner() = default;
    /// As mqtt::Transport::publish.
    virtual Result<mqtt::PublishId> publish(const mqtt::Message& message) = 0;
    /// It was handed to the transport.
    virtual void on_handed_over(const mqtt::Message& /*message*/) {}
    /// It will not be delivered.
    virtual void on_given_up(const Error& why) = 0;
  };

  /// The owner is not owned.
  explicit PublishQueue(Owner& owner) : owner_(owner) {}

  /// Nothing more should be made for it; what belongs to the last may still be pushed.
  bool full() const { return waiting_.size() >= max_messages || bytes_ >= max_bytes; }
  std::size_t size() const { return waiting_.size(); }

  /// Errc::refused where the message can't ever be published.
  Result<void> push(mqtt::Message message, std::uint64_t tag = 0);
  void online(bool resumed);
  void offline() { online_ = false; }
  /// Returns the tag of the message; 0 where it isn't one of these.
  std::uint64_t published(mqtt::PublishId id, const Result<void>& outcome);

 private:
  struct Waiting {
    mqtt::Message message;
    std::uint64_t tag = 0;
    mqtt::PublishId id = 0;  // 0: not handed to the transport
  };

  Result<void> publish(Waiting& waiting);
  void forget(std::size_t at);

  Owner& owner_;
  std::deque<Waiting> waiting_;
  std::size_t bytes_ = 0;  // in waiting_
  bool online_ = false;
};

}  // namespace sts::client
