#include "client/outbox_delivery.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "client/outbox_message.h"

namespace sts::client {
namespace {

/// Removed in one transaction, each of which waits for the disk.
constexpr std::size_t removed_at_once = 256;

}  // namespace

OutboxDelivery::OutboxDelivery(store::Outbox& outbox, ChannelWriter& writer, WallClock wall_clock,
                               Owner owner)
    : outbox_(outbox),
      writer_(writer),
      wall_clock_(std::move(wall_clock)),
      owner_(std::move(owner)) {}

Result<void> OutboxDelivery::online(bool resumed) {
  given_up_.reset();
  queue_.online(resumed);
  if (given_up_) no_key_ = given_up_;
  return more();
}

Result<void> OutboxDelivery::offline() {
  queue_.offline();
  no_key_.reset();  // the next connection gets it again
  return remove();
}

Result<void> OutboxDelivery::published(mqtt::PublishId id, const Result<void>& outcome) {
  given_up_.reset();
  const auto seq = queue_.published(id, outcome);
  if (seq == 0) {
    if (given_up_) no_key_ = given_up_;
  } else if (!outcome) {
    put_off(topics_[seq], outcome.error());
  } else if (!no_key_) {
    taken_.push_back(seq);
  }
  topics_.erase(seq);
  if (taken_.size() >= removed_at_once || queue_.size() == 0) {
    if (auto removed = remove(); !removed) return removed;
  }
  return more();
}

bool OutboxDelivery::idle() const {
  return at_rest() && taken_.empty() && (stopped_ || no_key_ || cursor_.at_end());
}

Result<void> OutboxDelivery::more() {
  cursor_.look_again();
  if (no_key_) return tl::unexpected(*no_key_);
  while (!queue_.full() && queue_.size() < in_flight && !stopped_ && owner_.may_seal()) {
    const auto entry = cursor_.front(unix_ms(wall_clock_()));
    if (!entry) return tl::unexpected(entry.error());
    if (*entry == nullptr) return {};
    if (auto done = seal(cursor_.pop()); !done) return done;
  }
  return {};
}

Result<void> OutboxDelivery::seal(const store::Outbox::Entry& entry) {
  const auto& topic = entry.message.destination;
  if (put_off_.contains(topic)) return {};
  auto message = decode_from_outbox(topic, entry.message.content);
  if (!message) {
    put_off(topic, {Errc::malformed, "it is of a later version of sts"});
    return {};
  }
  if (auto& expiry = message->properties.message_expiry) {
    const auto now = std::max(unix_ms(wall_clock_()), entry.accepted_ms);
    const std::chrono::seconds waited((now - entry.accepted_ms) / 1000);
    expiry = std::max(std::chrono::seconds(1), *expiry - std::min(*expiry, waited));
  }
  const OutOfOutbox durable{{channel::StreamId{entry.stream}, entry.number}, entry.accepted_ms};
  auto sealed = writer_.seal(*message, &durable);
  if (!sealed && (sealed.error().code == Errc::refused || sealed.error().code == Errc::bad_input)) {
    put_off(topic, sealed.error());
    return {};
  }
  if (!sealed) return tl::unexpected(sealed.error());
  auto last = std::move(sealed->back());
  sealed->pop_back();
  if (auto told = tell(std::move(*sealed)); !told) return told;
  if (const auto pushed = queue_.push(std::move(last), entry.seq); pushed) {
    topics_[entry.seq] = topic;
  } else {
    put_off(topic, pushed.error());
  }
  return {};
}

void OutboxDelivery::put_off(const std::string& topic, const Error& why) {
  if (!put_off_.insert(topic).second) return;
  owner_.log({Level::warning,
              fmt::format("{}: its messages stay in the outbox: {}", printable(topic), why.message),
              why.hint});
}

void OutboxDelivery::on_given_up(const Error& why) { given_up_ = why; }

Result<void> OutboxDelivery::remove() {
  if (taken_.empty()) return {};
  if (auto removed = outbox_.taken(taken_); !removed) return removed;
  taken_.clear();
  owner_.taken();
  return {};
}

Result<void> OutboxDelivery::finish() {
  stopped_ = true;
  auto last = writer_.finish();
  if (!last) return tl::unexpected(last.error());
  return tell(std::move(*last));
}

Result<void> OutboxDelivery::tell(std::vector<mqtt::Message> messages) {
  for (auto& one : messages) {
    if (auto pushed = queue_.push(std::move(one)); !pushed) {
      no_key_ = pushed.error();
      return pushed;
    }
  }
  return {};
}

}  // namespace sts::client
