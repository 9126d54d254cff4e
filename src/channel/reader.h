// A reader's side of all channels it follows: whose keys it knows, what it has seen, and what the
// broker did. No I/O, no clock.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "channel/events.h"
#include "channel/known_sender.h"
#include "channel/limits.h"

namespace sts::channel {

/// What the trust file and the subscriptions say, asked for at each message.
struct ReaderRules {
  /// Whether `sender` is believed on `topic`.
  std::function<bool(const crypto::PublicKey& sender, std::string_view topic)> may_write;
  /// Whether this reader is subscribed to `topic`, so that a message there would have come.
  KnownSender::Subscribed subscribed;
};

/// A payload as the broker delivered it; views, which the reader copies where it has to wait.
struct Arrival {
  std::string_view topic;
  ByteView payload;
  bool retained = false;  // the broker sent it because of the subscription: MQTT's RETAIN flag
};

class Reader {
 public:
  /// `self` is not owned.
  Reader(const crypto::KeyPair& self, ReaderRules rules);

  /// From now on packets and messages of `sender` are opened. Errc::refused for a point of small
  /// order, or another key with the id of one. Again with the same key changes its PSK.
  Result<void> trust(const crypto::PublicKey& sender, std::optional<crypto::Psk> psk);
  /// Forgets the sender and its keys.
  void distrust(const crypto::PublicKey& sender);

  /// Is called before a topic is subscribed to later on: what was sent there until now isn't
  /// missing.
  void begin_following();

  // What each of these three tells is appended to `out`: a vector of its own for each message would
  // take opening 100 B from 1.21 times what libsodium alone takes to 1.26.
  /// What came on a topic of `sender`'s key packets, and what had waited for it.
  void take_keys(const SenderId& sender, const Arrival& arrival, Instant now, Events& out);
  /// What came on any other topic.
  void take(const Arrival& arrival, Instant now, Events& out);
  /// Gives up what has waited too long.
  void advance(Instant now, Events& out);
  Instant next_deadline() const;

  std::vector<Report> report() const;

  /// Whether saved() was called after all that came.
  bool has_unsaved() const;
  /// Those of whom more is known than when saved() was called last.
  const std::vector<SenderId>& unsaved() const { return unsaved_; }
  /// What is known of a trusted sender, for the next process.
  crypto::WipedBytes save(const SenderId& sender, const Moment& at) const {
    return senders_.at(sender).save(at);
  }
  void saved();
  /// What save() gave, right after trust(). `same_topics`: as many are subscribed to as then, so
  /// that what wasn't is not due. False where it is damaged: nothing is known then.
  bool restore(const SenderId& sender, ByteView saved, const Moment& at, bool same_topics = true);

  /// What began to wait for its key since saved(), as it came; or without it, what waited then and
  /// does no more.
  struct WaitingChange {
    std::uint64_t id;  // in the order in which they came
    std::optional<Bytes> saved;
  };
  std::vector<WaitingChange> unsaved_waiting(Instant now) const;
  /// What that gave, in order and before anything else comes. It waits as long as it would have.
  /// False where it is damaged.
  bool restore_waiting(std::uint64_t id, ByteView saved, Instant now);

 private:
  struct Waiting {
    std::uint64_t id;
    KeyId key;
    std::string topic;
    Bytes payload;
    bool retained;
    Instant until;
  };

  /// False where no key of that name is known.
  bool open(const Arrival& arrival, const Sealed& sealed, Events& out);
  void wait(const KeyId& key, const Arrival& arrival, Instant now, Events& out);
  void give_up_first(Events& out);
  void ended(const Waiting& one);
  void release(const KeyId& key, Events& out);
  void changed(KnownSender& sender);
  void drop(const KnownSender& sender, const std::vector<KeyId>& keys);

  const crypto::KeyPair& self_;
  ReaderRules rules_;
  std::map<SenderId, KnownSender> senders_;
  // An id is 8 bytes, and whoever makes keys could search for a second of the same: all are tried.
  std::multimap<KeyId, KnownSender*> keys_;
  std::vector<SenderId> unsaved_;
  std::deque<Waiting> waiting_;
  std::size_t waiting_size_ = 0;
  std::uint64_t last_waiting_ = 0;            // of those that ever waited
  std::uint64_t saved_waiting_ = 0;           // up to here saved() knows
  std::vector<std::uint64_t> ended_waiting_;  // since, of those
};

}  // namespace sts::channel
