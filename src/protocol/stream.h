// A stream: what one side has to tell the other, in order, once, across any number of sessions.
//
// Every ENC frame has a stream number: generation * generation_span + counter, where the generation
// counts the sessions in which the stream was sent. So a frame needs no number of its own. Frames
// that hold messages (entries) stay with the sender until they are acknowledged; those that hold
// none (acknowledgements, pings) are not kept: when the receiver misses one, the next entry that is
// sent again says how many numbers before it held nothing (`gap`). So does the first entry of a
// generation. docs/protocol.md, "Streams".
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "protocol/limits.h"
#include "protocol/record.h"

namespace sts::protocol {

class StreamSender {
 public:
  /// `sized`: each message carries its length, so that padding can follow it.
  explicit StreamSender(bool sized) : sized_(sized) {}

  /// Errc::limit where the buffer is full: the message was not accepted. What was taken is always
  /// told, and replaces what was to be told and waits.
  Result<void> push(Message message);
  /// The stream's last word.
  void push_kill() { kill_waits_ = true; }

  /// Records to be sent in the frame `number`, or nothing. `number` grows from call to call.
  /// Messages that wait share a frame up to `max_size` bytes of records; a longer one goes alone.
  /// Unless `partly`, messages that don't fill a frame go on waiting.
  struct Outgoing {
    std::optional<Resent> resent;  // to be put before the records
    ByteView records;              // valid until the next call of a member that isn't const
    std::uint64_t entry = 0;       // the number the entry is known by
    bool again = false;            // it was sent before
  };
  std::optional<Outgoing> next(std::uint64_t number, std::size_t max_size, bool partly,
                               Instant now);

  /// Forgets what arrived, and marks what is missing to be sent again, unless it just was.
  void acknowledge(const Ack& ack, Instant now);
  /// Everything unacknowledged is to be sent again.
  void resend_all();
  /// Gives up the messages of an entry that can't be sent; how many they were.
  std::size_t drop(std::uint64_t entry);

  bool full() const { return messages_ >= send_buffer_messages || bytes_ >= send_buffer_bytes; }
  bool in_flight() const { return !entries_.empty(); }
  std::size_t frames() const { return entries_.size(); }
  bool idle() const { return entries_.empty() && queue_.empty() && !kill_waits_; }
  std::size_t unacknowledged() const { return messages_; }
  /// The lowest number the receiver may still need.
  std::uint64_t first() const;

 private:
  struct Entry {
    std::uint64_t number, gap;
    Bytes records;
    std::size_t messages = 0, bytes = 0;
    bool resend = false;
    std::optional<Instant> resent_at = {};
  };
  /// How many numbers before the entry the receiver need not wait for. All of them before the first
  /// one: what the peer acknowledged may have been acknowledged by a process that is gone.
  std::uint64_t gap(const Entry& entry) const;
  void mark(Entry& entry);
  void forget(const Entry& entry);
  Entry pack(std::uint64_t number, std::size_t max_size);

  bool sized_;
  std::deque<Message> queue_;     // accepted, not sent yet
  std::deque<Entry> entries_;     // sent, not acknowledged, by number
  std::uint64_t next_entry_ = 0;  // one above the last entry's number
  std::size_t messages_ = 0, bytes_ = 0;
  std::size_t queue_size_ = 0;  // of the records that the queue makes, at least
  std::size_t marked_ = 0;      // entries to be sent again
  bool kill_waits_ = false;
};

class StreamReceiver {
 public:
  struct Item {
    std::uint64_t gap = 0;
    std::vector<Message> messages;
    bool kill = false;
    bool empty() const { return messages.empty() && !kill; }
  };

  /// Accounts for the frame `number`, and the `gap` numbers before it as holding nothing. Repeats
  /// and what there is no room for change nothing; the sender will send the latter again.
  void accept(std::uint64_t number, Item item);

  /// What is next in order, once each.
  struct Delivery {
    std::vector<Message> messages;
    bool kill = false;
  };
  Delivery take();

  Ack ack() const;
  std::uint64_t next() const { return next_; }
  bool missing() const { return !held_.empty(); }

  /// A stream that goes on: numbers below `first` will not come (again).
  void skip_to(std::uint64_t first);

 private:
  using Held = std::map<std::uint64_t, Item>;
  Held held_;  // arrived out of order
  std::size_t held_bytes_ = 0;
  std::uint64_t next_ = 0;
  Delivery ready_;

  void deliver(Item item);
  Item release(Held::iterator held);
};

}  // namespace sts::protocol
