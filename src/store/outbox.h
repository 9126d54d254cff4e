// Messages that were accepted and are not delivered yet. They are in the state's file, sealed, and
// so outlive every process; whoever delivers them takes them out.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "store/state.h"

namespace sts::store {

struct OutboxOptions {
  enum class Full { block, drop_oldest, drop_new };
  enum class Sync {
    full,   // what was accepted survives the loss of power
    normal  // not what was accepted in the last moments before
  };

  std::uint64_t bytes = std::uint64_t{64} << 20U;  // of messages, as they are handed in
  std::uint64_t messages = 1'000'000;
  std::uint64_t age_ms = 0;  // what is older is dropped; 0: never
  Full when_full = Full::block;
  Sync sync = Sync::full;
};

class Outbox {
 public:
  static Result<Outbox> open(State state, const OutboxOptions& options);

  struct Message {
    std::string destination;  // in which messages are numbered: for a channel, the topic
    Bytes content;            // for whoever delivers it
    /// Who will see the number. Those that see it may guess the next ones, so others get another
    /// stream.
    Bytes audience = {};
    bool apart = false;  // its destination is a lane of its own
  };
  /// What one process delivers: a destination that is apart, or, with an empty name, all that are
  /// not.
  using Lane = std::string;
  static inline const Lane not_apart;
  /// Ends with one transaction, after which no crash can undo it. Returns how many were dealt with,
  /// from the first on: fewer than all where it is full and blocks. Errc::limit where the first
  /// would never fit. After Errc::io none was taken, unless power was lost in that moment.
  Result<std::size_t> accept(std::span<const Message> messages, std::uint64_t now_ms);

  struct Entry {
    std::uint64_t seq = 0;
    /// No two messages that were ever accepted have the same of both, and in a stream, which is of
    /// one destination, the numbers have no gaps but what was dropped.
    std::array<std::uint8_t, 8> stream{};
    std::uint64_t number = 0;
    std::uint64_t accepted_ms = 0;
    Message message;
  };
  struct Batch {
    std::vector<Entry> entries;
    std::uint64_t next = 0;        // where to go on
    std::uint64_t unreadable = 0;  // were left out: another identity's, or damaged
  };
  /// In the order in which they were accepted, from `from` on: at most so many, and no more once
  /// they hold `bytes`; of one lane, where it is given. What is too old is dropped before.
  Result<Batch> next(std::uint64_t from, std::size_t messages, std::size_t bytes,
                     std::uint64_t now_ms, const Lane* lane = nullptr);
  /// They were delivered. In one transaction.
  Result<void> taken(std::span<const std::uint64_t> seqs);
  /// Whether one waits, of one lane, where it is given, with a seq from `first` to `last`.
  Result<bool> waits(const Lane* lane, std::uint64_t first = 0, std::uint64_t last = INT64_MAX);
  /// How many wait in a lane, which takes longer.
  Result<std::uint64_t> waiting(const Lane& lane);

  struct Dropped {
    std::uint64_t full = 0, old = 0;
  };
  struct Stats {
    std::uint64_t messages = 0, bytes = 0;
    std::uint64_t oldest_ms = 0;  // when it was accepted; 0: none
    std::uint64_t last = 0;       // the highest seq that was given out
    Dropped dropped = {};         // and not told yet
  };
  Result<Stats> stats();
  /// What was dropped, and isn't told again.
  Result<Dropped> take_dropped();
  /// Removes those that were accepted before `before_ms`, or all; how many.
  Result<std::uint64_t> purge(std::optional<std::uint64_t> before_ms);

 private:
  /// The one row that saves counting; written with each change.
  struct Total {
    std::uint64_t next = 0, messages = 0, bytes = 0;
    std::uint64_t latest = 0;  // clock that was seen
    Dropped dropped = {};
  };
  struct Queue {
    std::uint64_t id = 0, next = 0;
    std::array<std::uint8_t, 8> stream{};
  };

  Outbox(State state, const OutboxOptions& options) : state_(std::move(state)), options_(options) {}

  Database& database() { return state_.database_; }
  Result<Total> total();
  Result<void> write(const Total& total);
  /// The one of now: numbers go on only for the same audience, and in the very file, and start of
  /// the machine, that gave out the last. A copy of the file, or the file as it was before power
  /// was lost, may not know it.
  Result<Queue> queue(const Message& message);
  /// As it stands in the file.
  Bytes name_of(const std::string& destination) const;
  Result<Queue> make_queue(ByteView name, ByteView place, bool apart);
  /// The first number that a SELECT of messages says; of one lane, where it is given.
  Result<std::uint64_t> number(std::string_view what, std::string_view where, const Lane* lane);
  using Queues = std::map<std::pair<std::string, Bytes>, Queue>;  // by destination and audience
  Result<void> write(const Queues& queues);
  bool fits(const Total& total, std::size_t size) const;
  /// Removes from the oldest on, at most so many of those accepted in [from_ms, before_ms).
  Result<std::uint64_t> remove(Total& total, std::uint64_t from_ms, std::uint64_t before_ms,
                               std::uint64_t at_most);
  Result<void> drop_old(std::uint64_t now_ms);
  /// Gives the disk back what is not used any more, if that is much.
  Result<void> shrink();

  State state_;
  OutboxOptions options_;
};

}  // namespace sts::store
