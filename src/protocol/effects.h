// What the protocol asks its owner to do. Data only: nothing here was done yet.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "crypto/keys.h"

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
  used_up,        // no rekey came about in time: nothing is sent until one does
};

/// Something a person may want to know. Costs nothing to ignore.
struct Notice {
  NoticeKind kind;
  std::optional<crypto::PublicKey> peer = {};
  std::size_t count = 1;
};

using Event = std::variant<Delivered, Up, Pinned, Killed, Finished, Notice>;

struct Effects {
  std::vector<Publish> publish;
  std::vector<Event> events;

  void notice(NoticeKind kind, std::optional<crypto::PublicKey> peer = {}, std::size_t count = 1) {
    events.emplace_back(Notice{kind, peer, count});
  }
};

}  // namespace sts::protocol
