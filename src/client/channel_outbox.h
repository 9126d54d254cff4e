// Durable messages on channels of a process that has its own connection and presence: into the
// outbox, and, as long as it is the one that delivers, to the broker.
#pragma once

#include <asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "client/acceptance.h"
#include "client/outbox.h"
#include "client/outbox_delivery.h"
#include "client/outbox_lock.h"

namespace sts::client {

class ChannelOutbox {
 public:
  struct Owner {
    OutboxDelivery::Owner delivery;
    std::function<void()> due;  // work(): from the loop, never from within a call
    std::function<void(std::size_t, const Error&)> given_up;  // so many were not accepted
  };
  /// The references must outlive it.
  static Result<std::unique_ptr<ChannelOutbox>> open(asio::io_context& loop,
                                                     const store::Home& home,
                                                     const store::OutboxOptions& options,
                                                     ChannelWriter& writer, WallClock wall_clock,
                                                     Random& random, Owner owner);
  ~ChannelOutbox() { lock_->close(); }
  ChannelOutbox(const ChannelOutbox&) = delete;
  ChannelOutbox& operator=(const ChannelOutbox&) = delete;

  /// Nothing more is to be put in until there is room.
  bool full() const { return accepting_.full(); }
  /// As ChannelWriter::seal() where nobody may read it; Errc::bad_input for what can't be durable.
  Result<void> put(const mqtt::Message& message);

  /// Accepts what was put in, and delivers what can be.
  void work();
  void online(bool resumed);
  void offline();
  void published(mqtt::PublishId id, const Result<void>& outcome);
  /// As OutboxDelivery::no_key().
  void no_key(const Error& why) {
    if (delivery_) delivery_->no_key(why);
  }

  /// Nothing of it is on its way to the broker.
  bool at_rest() const { return !delivery_ || delivery_->at_rest(); }
  /// Nothing is on its way, and this process can deliver no more of what there is.
  bool idle();
  /// All is delivered.
  bool empty();
  /// How many messages are not.
  std::size_t waiting();
  /// Says what the outbox dropped, once.
  void tell_dropped() { client::tell_dropped(outbox_, owner_.delivery.log); }

 private:
  ChannelOutbox(asio::io_context& loop, store::Outbox outbox, ChannelWriter& writer,
                WallClock wall_clock, Owner owner);
  void report(const Result<void>& outcome);

  store::Outbox outbox_;
  ChannelWriter& writer_;
  WallClock wall_clock_;
  Owner owner_;
  Acceptance accepting_;
  std::unique_ptr<OutboxLock> lock_;
  std::optional<OutboxDelivery> delivery_;  // as long as this process delivers
  bool online_ = false;
  std::string reported_;  // the last error: each call has it while it lasts
};

}  // namespace sts::client
