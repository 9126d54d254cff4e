#include "protocol/stream.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sts::protocol {
namespace {

std::size_t size_of(const StreamReceiver::Item& item) {
  std::size_t size = sizeof(item);
  for (const auto& message : item.messages) size += sizeof(Message) + message.body.size();
  return size;
}

// Type and length of sized_data: at most, and at least.
constexpr std::size_t sized_overhead = 1 + 10;
constexpr std::size_t sized_overhead_min = 1 + 1;

/// The body of TAKEN begins with the queue.
ByteView queue_of(const Message& taken) { return ByteView(taken.body).first(sizeof(StreamId)); }

}  // namespace

Result<void> StreamSender::push(Message message) {
  if (message.type == RecordType::taken) {
    // A later one of the same queue says all that an earlier one did.
    for (auto at = queue_.rbegin(); at != queue_.rend() && at->type == RecordType::taken; ++at) {
      if (!std::ranges::equal(queue_of(*at), queue_of(message))) continue;
      queue_size_ -= sized_overhead_min + at->body.size();
      queue_.erase(std::next(at).base());
      break;
    }
  } else if (full()) {
    return fail(Errc::limit, "too many messages wait for the peer's acknowledgement",
                "wait until some are acknowledged");
  } else {
    ++messages_;
    bytes_ += message.body.size();
  }
  queue_size_ += sized_overhead_min + message.body.size();
  queue_.push_back(std::move(message));
  return {};
}

std::optional<StreamSender::Outgoing> StreamSender::next(std::uint64_t number, std::size_t max_size,
                                                         bool partly, Instant now) {
  if (marked_ > 0) {
    Entry& again = *std::ranges::find_if(entries_, &Entry::resend);
    again.resend = false;
    --marked_;
    again.resent_at = now;
    return Outgoing{Resent{again.number, gap(again)}, again.records, again.number, true};
  }
  if (entries_.size() >= frames_in_flight || (queue_.empty() && !kill_waits_)) return std::nullopt;
  if (!partly && !queue_.empty() && queue_size_ < max_size) return std::nullopt;
  const bool same_generation =
      next_entry_ > 0 && number / generation_span == (next_entry_ - 1) / generation_span;
  const Entry& entry = entries_.emplace_back(pack(number, max_size));
  Outgoing out{std::nullopt, entry.records, entry.number, false};
  if (!same_generation && entry.gap > 0) out.resent = Resent{entry.number, gap(entry)};
  return out;
}

std::uint64_t StreamSender::gap(const Entry& entry) const {
  return &entry == &entries_.front() ? entry.number : entry.gap;
}

StreamSender::Entry StreamSender::pack(std::uint64_t number, std::size_t max_size) {
  Entry entry{number, number - next_entry_, {}};
  next_entry_ = number + 1;
  if (queue_.empty()) {
    put_bare(entry.records, RecordType::kill);
    kill_waits_ = false;
    return entry;
  }
  for (;;) {
    const auto [type, body] = std::move(queue_.front());
    queue_.pop_front();
    queue_size_ -= sized_overhead_min + body.size();
    if (type != RecordType::taken) {
      ++entry.messages;
      entry.bytes += body.size();
    }
    const std::size_t size = entry.records.size() + body.size() + 2 * sized_overhead;
    const bool last = queue_.empty() || size + queue_.front().body.size() > max_size;
    if (last && !sized_ && type == RecordType::data) {
      put_data(entry.records, body);
    } else {
      put_sized(entry.records, type, body);
    }
    if (last) return entry;
  }
}

void StreamSender::forget(const Entry& entry) {
  messages_ -= entry.messages;
  bytes_ -= entry.bytes;
  if (entry.resend) --marked_;
}

void StreamSender::mark(Entry& entry) {
  if (entry.resend) return;
  entry.resend = true;
  ++marked_;
}

void StreamSender::acknowledge(const Ack& ack, Instant now) {
  while (!entries_.empty() && entries_.front().number < ack.next) {
    forget(entries_.front());
    entries_.pop_front();
  }
  if (ack.gap_end == ack.next) return;
  for (auto& entry : entries_) {
    // Acknowledgements that were on their way tell of the same gap.
    if (!entry.resent_at || now - *entry.resent_at >= resend_pause) mark(entry);
    // The first one past the gap says, by its own gap, what there held nothing.
    if (entry.number >= ack.gap_end) break;
  }
}

void StreamSender::resend_all() {
  for (auto& entry : entries_) mark(entry);
}

std::size_t StreamSender::drop(std::uint64_t number) {
  const auto entry = std::ranges::find(entries_, number, &Entry::number);
  if (entry == entries_.end() || entry->records.empty()) return 0;
  messages_ -= entry->messages;
  bytes_ -= std::exchange(entry->bytes, 0);
  entry->records.clear();
  mark(*entry);
  return std::exchange(entry->messages, 0);
}

std::uint64_t StreamSender::first() const {
  return entries_.empty() ? next_entry_ : entries_.front().number - entries_.front().gap;
}

void StreamReceiver::accept(std::uint64_t number, Item item) {
  if (number < next_) return;
  if (number - item.gap <= next_) {
    next_ = number + 1;
    // What is held at this number is the same frame, without the gap.
    if (auto same = held_.find(number); same != held_.end()) release(same);
    deliver(std::move(item));
    while (!held_.empty() && held_.begin()->first - held_.begin()->second.gap <= next_) {
      next_ = std::max(next_, held_.begin()->first + 1);
      deliver(release(held_.begin()));
    }
    return;
  }
  if (item.empty()) {
    // Acknowledgements and pings behind a hole are many, and one will do.
    const auto before = held_.find(number - item.gap - 1);
    if (before != held_.end() && before->second.empty()) item.gap += release(before).gap + 1;
  }
  const std::size_t size = size_of(item);
  if (held_.size() >= hold_frames || held_bytes_ + size > hold_bytes) return;
  const auto [known, is_new] = held_.try_emplace(number, std::move(item));
  if (is_new) {
    held_bytes_ += size;
  } else {
    known->second.gap = std::max(known->second.gap, item.gap);
  }
}

StreamReceiver::Item StreamReceiver::release(Held::iterator held) {
  held_bytes_ -= size_of(held->second);
  Item item = std::move(held->second);
  held_.erase(held);
  return item;
}

void StreamReceiver::deliver(Item item) {
  ready_.kill = ready_.kill || item.kill;
  std::ranges::move(item.messages, std::back_inserter(ready_.messages));
}

StreamReceiver::Delivery StreamReceiver::take() { return std::exchange(ready_, {}); }

Ack StreamReceiver::ack() const {
  if (held_.empty()) return {next_, next_};
  return {next_, held_.begin()->first - held_.begin()->second.gap};
}

void StreamReceiver::skip_to(std::uint64_t first) {
  if (first > next_) accept(first - 1, Item{first - 1 - next_, {}, false});
}

}  // namespace sts::protocol
