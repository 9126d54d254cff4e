// What the protocol asks its owner to do. Data only: nothing here was done yet.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "crypto/keys.h"
#include "protocol/durable.h"

namespace sts::protocol {

/// Names the messages inside a frame, for publish_failed().
struct Ticket {
  crypto::PublicKey peer;
  std::uint64_t entry = 0;
};

/// To be published on the side's topic at QoS 1, not retained. Frames may be lost, not reordered.
struct Publish {
  Bytes frame;
  std::optional<Ticket> messages =
      {};  // set where the frame holds messages for the first time or again
  bool first_time = false;
};

/// A message from `peer`: authentic, in order, once.
struct Delivered {
  crypto::PublicKey peer;
  Bytes message;
  /// Set: the sender keeps it until Link::taken() tells it otherwise, and sends it again when in
  /// doubt; judge() tells whether it is a repeat.
  std::optional<DurableNumber> durable = {};
};

/// The peer has on its disk what the queue held.
struct Taken {
  crypto::PublicKey peer;
  DurableTaken taken;
};

/// A session with `peer` stands; messages can be sent.
struct Up {
  crypto::PublicKey peer;
  bool renewed = false;         // there was one before
  bool peer_restarted = false;  // and the peer has forgotten it
};

/// First use: `peer` proved itself and is from now on the only one. To be stored.
struct Pinned {
  crypto::PublicKey peer;
};

/// `peer` ended the session; `undelivered` messages of ours were not acknowledged.
struct Killed {
  crypto::PublicKey peer;
  std::size_t undelivered = 0;
};

/// After kill(): everything was acknowledged, the KILL too.
struct Finished {
  crypto::PublicKey peer;
};

/// What `peer` wanted told in case its connection broke. That it did, only the broker says.
struct LastWill {
  crypto::PublicKey peer;
  Bytes message;
  bool announced = false;  // in the session, as that of its present connection
};

enum class NoticeKind {
  malformed,      // bytes on the topic that are no frame
  unverified,     // a handshake message that doesn't verify: damaged, or other topics
  untrusted,      // a handshake with a key that is not trusted
  own_key,        // our own key came back
  psk_mismatch,   // the last handshake message doesn't verify: mostly, another PSK
  not_confirmed,  // the responder answered, and then didn't confirm
  forged,         // an ENC that isn't authentic
  repeated,       // an ENC seen before
  same_role,      // the peer has the same role
  silent,         // the peer doesn't answer; messages wait
  back,           // it does again
  dropped,        // `count` messages couldn't be sent and were given up
  foreign_will,   // a will that no trusted key opens
  spent_will,     // a will seen before, or of an earlier connection
  used_up,        // no rekey came about in time: nothing is sent until one does
};

/// Something a person may want to know. Costs nothing to ignore.
struct Notice {
  NoticeKind kind;
  std::optional<crypto::PublicKey> peer = {};
  std::size_t count = 1;
};

using Event = std::variant<Delivered, Taken, Up, Pinned, Killed, Finished, LastWill, Notice>;

struct Effects {
  std::vector<Publish> publish;
  std::vector<Event> events;

  void notice(NoticeKind kind, std::optional<crypto::PublicKey> peer = {}, std::size_t count = 1) {
    events.emplace_back(Notice{kind, peer, count});
  }
};

}  // namespace sts::protocol
