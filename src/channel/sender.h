// A sender's side of one set of readers: epochs, counters, and what it asked the broker to retain.
// No I/O, no clock: topics and payloads to publish come out.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "channel/content.h"
#include "channel/epoch_key.h"
#include "channel/key_packet.h"
#include "channel/limits.h"

namespace sts::channel {

struct SenderOptions {
  Pad pad = Pad::none;
  bool sign = false;  // so that no reader can speak as the sender
  std::uint64_t rekey_after_messages = channel::rekey_after_messages;
  Duration rekey_after_time = channel::rekey_after_time;
  std::string key_prefix = std::string(default_key_prefix);
  Use use = Use::lasting;  // passing: for a sender that seals nothing that is retained
};

class Sender {
 public:
  /// `self` is not owned.
  Sender(const crypto::KeyPair& self, SenderOptions options, Random& random);

  /// Begins the next epoch, for `readers`. Whoever calls has put `number`,
  /// which no epoch of this identity had or passed, where a crash can't lose it. `created`:
  /// milliseconds since 1970. What comes out is to be published in this order, before anything that
  /// is sealed later: the key packets, the retained messages sealed anew, and the removal of key
  /// packets that no retained message needs any more. Errc::refused for a reader of small order,
  /// and nothing has changed.
  Result<std::vector<Packet>> begin_epoch(std::span<const Recipient> readers, std::uint64_t number,
                                          std::uint64_t created, Instant now);

  /// Whether the next epoch is due by count or time; also where there is none yet.
  bool epoch_due(Instant now) const;

  /// The whole payload. The counter is spent, whatever becomes of it. A content that is `retained`
  /// is remembered for the next epoch. Errc::limit where there is no epoch, it is used up, or it
  /// has topics_of_sender other topics; Errc::bad_input for a content that is not well_formed() or
  /// a topic of more than topic_size.
  Result<Bytes> seal(std::string_view topic, const Content& content, Instant now);

  /// A will for one connection; each connection needs an id of its own.
  Result<Bytes> seal_will(std::string_view topic, const ConnectionId& connection,
                          const Content& content);

  /// The present epoch's key packets, for a broker that may have lost them.
  std::vector<Packet> keys() const { return epoch_ ? epoch_->keys : std::vector<Packet>{}; }
  bool has_epoch() const { return epoch_.has_value(); }
  /// The present epoch's number; 0: none.
  std::uint64_t epoch() const { return epoch_ ? epoch_->number : 0; }
  /// The topics that the epoch was used on.
  std::vector<std::string> topics() const;

  /// The broker retains nothing of ours on this topic any more.
  void forget_retained(std::string_view topic);

  /// Retained messages change hands where a topic's readers change, so that it is another sender's
  /// from now on. What comes out of adopt() is to be published, and then what comes out of clear().
  struct Retained {
    KeyId key;  // it is sealed under
    Origin origin;
    std::optional<Bytes> content;  // as encoded without padding; nullopt: too much to keep
  };
  using RetainedTopics = std::map<std::string, Retained, std::less<>>;
  const RetainedTopics& retained() const { return retained_; }
  /// Errc::limit as for seal().
  Result<Packet> adopt(std::string_view topic, const Retained& retained, Instant now);
  /// The removal of all key packets that no retained message needs any more, the present epoch's
  /// too: it is over.
  std::vector<Packet> clear();

  /// All that another process needs to go on where this one is; it holds the epoch's key.
  struct Saved {
    StreamId stream;
    struct Epoch {
      EpochKey key;
      KeyId id;
      std::uint64_t number = 0, created = 0, sealed = 0;
      std::map<std::string, std::uint64_t, std::less<>> next;  // counter, by topic
      std::vector<Packet> keys = {};
    };
    std::optional<Epoch> epoch;
    RetainedTopics retained;
    std::map<KeyId, std::size_t> packets;  // retained at the broker, and in how many parts
  };
  Saved save() const;
  /// `age`: of the epoch. What was sealed after save() would be sealed again under the same nonces:
  /// whoever calls has stored what he saved before anything sealed became known to anyone.
  Sender(const crypto::KeyPair& self, SenderOptions options, Random& random, Saved saved,
         Instant now, Duration age);

 private:
  struct Topic {
    crypto::Secret<32> key;
    std::uint64_t next = 0;
  };
  struct Epoch {
    EpochKey key;
    KeyId id;
    std::uint64_t number, created;
    Instant began;
    std::uint64_t sealed = 0;
    std::map<std::string, Topic, std::less<>> topics;
    std::vector<Packet> keys = {};
  };

  bool used_up(Instant now) const;
  Result<Bytes> seal_encoded(std::string_view topic, ByteView content);
  Result<Bytes> reseal(std::string_view topic, Retained& kept);
  /// Appends ciphertext, and signature, to the header, which has room for them behind it.
  void finish(Bytes& frame, const crypto::Secret<32>& key, std::uint64_t counter, ByteView content,
              std::string_view topic) const;
  void remember(std::string_view topic, const Content& content);
  void keep(std::string_view topic, Retained retained);
  std::vector<Packet> clear_packets(const std::optional<KeyId>& but);
  std::optional<Finals> finals() const;

  const crypto::KeyPair& self_;
  SenderOptions options_;
  Random& random_;
  StreamId stream_;
  std::optional<crypto::SigningKey> signing_key_;
  std::optional<Epoch> epoch_;
  RetainedTopics retained_;
  std::size_t retained_size_ = 0;
  std::map<KeyId, std::size_t> packets_;  // retained at the broker, and in how many parts
};

}  // namespace sts::channel
