// One sender, as a reader knows it: takes its keys, and opens what it sends.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "channel/content.h"
#include "channel/events.h"
#include "channel/frame.h"
#include "channel/key_packet.h"
#include "channel/limits.h"
#include "channel/saved_reader.h"
#include "channel/sender_memory.h"
#include "protocol/token_bucket.h"

namespace sts::channel {

class KnownSender {
 public:
  /// Whether a message on the topic would have come.
  using Subscribed = std::function<bool(std::string_view topic)>;

  KnownSender(const crypto::PublicKey& key, crypto::Secret<32> shared,
              std::optional<crypto::Psk> psk);

  const crypto::PublicKey& key() const { return key_; }
  void set_psk(std::optional<crypto::Psk> psk) { psk_ = std::move(psk); }

  /// Takes the packet's key; the new epoch, or null where there is nothing new or it was refused,
  /// which `out` then tells. `dropped` names the keys that are known no more.
  const LiveEpoch* take(const KeyPacket& packet, const crypto::KeyPair& self, bool retained,
                        Instant now, const Subscribed& subscribed, std::vector<KeyId>& dropped,
                        Events& out);

  /// As Reader::begin_following().
  void begin_following(const Subscribed& subscribed);

  /// Opens a message or will under a live epoch of this sender. False where it is not authentic,
  /// which `failed` then tells: another sender's key may have the same name.
  bool open(const Sealed& sealed, std::string_view topic, bool retained, Events& out,
            Events& failed);

  /// What is known, and that again, instead of what is known now. False where it is damaged or of
  /// another sender.
  crypto::WipedBytes save(const Moment& at) const { return encode(key_, memory_, at); }
  bool restore(ByteView saved, const Moment& at, bool same_topics);
  /// Whether that is the first change since saved().
  bool mark_unsaved() { return !std::exchange(unsaved_, true); }
  void saved() { unsaved_ = false; }
  const LiveEpochs& epochs() const { return memory_.epochs; }

  void report(std::vector<Report>& out) const;

 private:
  /// The next epoch has told how this one ended; `told`: and so was the user.
  void finish(LiveEpoch& epoch, const Finals& finals, bool told, const Subscribed& subscribed,
              Events& out);
  /// The next epoch tells of one whose key didn't come; `followed`: though it should have.
  void lose(const Finals& finals, bool followed, const Subscribed& subscribed, Events& out);
  void keep(LostEpoch lost);
  /// The reader was there when the epoch began, whatever the broker said of its packet.
  void due_from_start(LiveEpoch& epoch, const Subscribed& subscribed, Events& out);
  void count_missing(std::string_view topic, std::uint64_t count, Events& out);
  /// Such a key came after all, or the start of what is kept.
  void find_lost(LiveEpoch& epoch, const Subscribed& subscribed, Events& out);
  /// Whether the sender's present connection may have left a will under the epoch.
  bool may_leave_will(const LiveEpoch& epoch, std::string_view topic) const;
  bool open_message(LiveEpoch& epoch, const Sealed& sealed, std::string_view topic, bool retained,
                    Events& out, Events& failed);
  bool open_will(const LiveEpoch& epoch, const Sealed& sealed, std::string_view topic,
                 bool retained, Events& out, Events& failed);
  /// An authentic one. `known` is null for the first on its topic.
  struct Message {
    LiveEpoch& epoch;
    LiveEpoch::Topic* known;
    std::uint64_t counter;
    std::string_view topic;
    bool stale;  // as the sender had it retained, it came because of a subscription
    const Content& content;
  };
  /// Whether its payload is to be delivered, which it is once. Tells what its place says of others.
  bool is_due(const Message& message, TopicRecord& record, Events& out);
  /// Whether a message that is sealed anew was delivered already.
  bool came_before(const TopicRecord& record, const Position& position, std::string_view topic);
  /// Tells that; it isn't to be delivered.
  bool rolled_back(TopicRecord& record, std::string_view topic, Events& out) const;
  /// Marks the counter, and tells what that says of others.
  std::uint64_t account(TopicWindow& window, bool retained, std::uint64_t counter,
                        TopicRecord& record, std::string_view topic, Events& out);
  /// Whether a durable message is new, and tells what its number says of others; `told`: so many
  /// are missing by its counter, and the user knows.
  bool durable_is_new(TopicRecord& record, const Durable& durable, bool retained,
                      std::uint64_t told, std::string_view topic, Events& out) const;
  /// `content` is a view of `plaintext`.
  void deliver(const LiveEpoch& epoch, std::uint64_t counter, std::string_view topic, bool retained,
               const Content& content, Bytes plaintext, Events& out);
  /// The plaintext; nullopt, and told, where it is not authentic.
  std::optional<Bytes> plaintext(const LiveEpoch& epoch, const crypto::Secret<32>& key,
                                 const Sealed& sealed, std::string_view topic, Events& failed);
  void repeated(TopicRecord& record, std::string_view topic, Events& out) const;
  /// Of what is authentic under that epoch. The first beyond topics_of_sender takes the place of
  /// one that no epoch as late was used on; null where there is none. Either is told.
  TopicRecord* record_of(std::string_view topic, std::uint64_t epoch, Events& out);
  /// Of an epoch; null, and told, where its readers have filled it up.
  LiveEpoch::Topic* topic_of(LiveEpoch& epoch, std::string_view topic, Events& out);
  void notice(NoticeKind kind, std::string_view topic, Events& out, std::uint64_t count = 1) const;

  crypto::PublicKey key_;
  crypto::Secret<32> shared_;  // static-static
  std::optional<crypto::Psk> psk_;
  // Those that can't give a key, however authentic, spend what is theirs: a broker may have many of
  // them, and the present one must not wait behind them.
  protocol::TokenBucket tries_{forged_packets_burst, forged_packets_interval};
  protocol::TokenBucket refused_tries_{forged_packets_burst, forged_packets_interval};
  SenderMemory memory_;
  bool unsaved_ = false;
};

}  // namespace sts::channel
