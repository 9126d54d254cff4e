// Takes messages out of the outbox, seals them, publishes them in order, and removes them once the
// broker has taken them.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/channel_writer.h"
#include "client/messenger.h"
#include "client/outbox_cursor.h"
#include "client/publish_queue.h"
#include "store/outbox.h"

namespace sts::client {

class OutboxDelivery final : private PublishQueue::Owner {
 public:
  /// At the broker at a time: what a resend after a crash repeats is well within what readers
  /// remember.
  static constexpr std::size_t in_flight = 512;

  struct Owner {
    std::function<Result<mqtt::PublishId>(const mqtt::Message&)> publish;
    std::function<void(const Line&)> log;
    std::function<void()> taken = [] {};  // some are out of the outbox
    /// Where not, more() is due once it may be.
    std::function<bool()> may_seal = [] { return true; };
  };
  /// None of the references is owned.
  OutboxDelivery(store::Outbox& outbox, ChannelWriter& writer, WallClock wall_clock, Owner owner);

  // Each returns an error where nothing can be delivered any more.
  Result<void> online(bool resumed);
  Result<void> offline();
  Result<void> published(mqtt::PublishId id, const Result<void>& outcome);
  /// To be published before all that is sealed later.
  Result<void> tell(std::vector<mqtt::Message> messages);
  /// Somebody else couldn't publish what has to be before all that is sealed later.
  void no_key(const Error& why) { no_key_ = why; }
  /// There may be more in the outbox.
  Result<void> more();
  /// What the broker has is waited for; nothing else is taken out of the outbox.
  void stop() { stopped_ = true; }
  /// Nothing is on its way, nor can more be now. What is still in the outbox has nobody to read it,
  /// or the broker refused its topic.
  bool idle() const;
  /// Nothing is on its way.
  bool at_rest() const { return queue_.size() == 0; }
  /// The last: tells readers how it ended. Once it is idle() again, ChannelWriter::confirm() is
  /// due.
  Result<void> finish();

 private:
  Result<mqtt::PublishId> publish(const mqtt::Message& message) override {
    return owner_.publish(message);
  }
  void on_given_up(const Error& why) override;

  Result<void> seal(const store::Outbox::Entry& entry);
  Result<void> remove();
  /// The topic's later messages wait too: readers tell a gap by the order.
  void put_off(const std::string& topic, const Error& why);

  store::Outbox& outbox_;
  ChannelWriter& writer_;
  WallClock wall_clock_;
  Owner owner_;
  PublishQueue queue_{*this};
  OutboxCursor cursor_{outbox_, store::Outbox::not_apart, owner_.log};
  std::vector<std::uint64_t> taken_;             // still in the outbox
  std::set<std::string> put_off_;                // topics
  std::map<std::uint64_t, std::string> topics_;  // of what the broker has, by seq
  std::optional<Error> given_up_;                // the last that the queue told
  // Of a key: nobody would open what went under it, and the broker would acknowledge it.
  std::optional<Error> no_key_;
  bool stopped_ = false;
};

}  // namespace sts::client
