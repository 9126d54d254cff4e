// The keys of one sender that a reader knows, and the floors below which none is taken any more.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "channel/epoch_key.h"
#include "channel/key_packet.h"
#include "channel/topic_window.h"

namespace sts::channel {

struct TopicRecord;

/// A key that a reader was told, and what came under it.
struct LiveEpoch {
  struct Topic {
    crypto::Secret<32> key;
    TopicWindow window;
    // The sender's of that topic, whatever the epoch, once a message came: looked up for each one,
    // it would cost 2 % of what opening costs. Null where it was forgotten.
    TopicRecord* record = nullptr;
  };

  EpochKey key;
  KeyId id;
  StreamId stream;
  std::uint64_t number = 0;
  std::uint64_t created = 0;  // milliseconds since 1970 by the sender's clock
  std::optional<crypto::VerifyingKey> signing_key = {};
  std::optional<KeyId> before = {};  // the key of the stream's epoch before
  Instant taken = {};
  bool from_start = false;  // its packet came as it was sent: so does its first message
  std::optional<Instant> superseded = {};  // since when the stream has a later one
  bool finished = false;                   // that one has told how this ended
  std::map<std::string, Topic, std::less<>> topics = {};

  /// Its topic of that name, from now on if not yet.
  Topic& topic(std::string_view name);
  /// What a message's TIME says of order: nothing where no sender would have sealed it, so that a
  /// reader of an unsigned epoch can't outdate what comes long after it.
  std::optional<std::uint64_t> plausible(std::optional<std::uint64_t> time) const;
};

class LiveEpochs {
 public:
  using ByNumber = std::map<std::uint64_t, LiveEpoch>;
  using Floors = std::map<StreamId, std::uint64_t>;

  LiveEpochs() = default;
  LiveEpochs(ByNumber epochs, std::uint64_t floor, Floors floors)
      : epochs_(std::move(epochs)), floor_(floor), floors_(std::move(floors)) {}

  ByNumber::iterator begin() { return epochs_.begin(); }
  ByNumber::iterator end() { return epochs_.end(); }
  const ByNumber& by_number() const { return epochs_; }
  std::uint64_t floor() const { return floor_; }
  const Floors& floors() const { return floors_; }

  LiveEpoch* find(const KeyId& id);
  /// Null also where another stream has that number.
  LiveEpoch* find(const StreamId& stream, std::uint64_t number);
  /// Whether an epoch of that number is live, was dropped, or may have been.
  bool is_taken(const Header& header) const;

  struct Added {
    LiveEpoch* epoch;
    bool followed;  // an earlier one of its stream is live
  };
  /// One whose number isn't taken; supersedes, or is superseded, in its stream.
  Added add(LiveEpoch epoch, Instant now);

  /// Each adds the keys that are known no more to `dropped`.
  void drop_unsigned(std::vector<KeyId>& dropped);
  /// Those of which nothing can come any more; `may_come`: but a will may, on that topic.
  void retire(Instant now, std::vector<KeyId>& dropped,
              const std::function<bool(const LiveEpoch&, std::string_view topic)>& may_come);
  /// The lowest, where there are too many. Whether anything but what is retained could have come.
  bool drop_lowest(Instant now, std::vector<KeyId>& dropped);
  bool too_many() const;

 private:
  ByNumber::iterator drop(ByNumber::iterator epoch, std::vector<KeyId>& dropped);

  ByNumber epochs_;
  // What was dropped never comes back: no epoch from here down does, of whatever stream,
  std::uint64_t floor_ = 0;
  // and none from here down of a stream that has live ones. A stream that ended long ago keeps its
  // last epoch, whose messages may still be retained; it must not keep those of others.
  Floors floors_;
};

}  // namespace sts::channel
