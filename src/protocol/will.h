// What the broker is to publish when a connection ends, sealed for the peer with long-term keys
// (docs/protocol.md, "Will").
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "base/time.h"
#include "noise/handshake_state.h"
#include "protocol/effects.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "protocol/token_bucket.h"

namespace sts::protocol {

struct Setup;

/// The longest message of a will: type and length stand before it.
inline constexpr std::size_t will_message_max = will_payload_max - 4;

/// Those of one side, and of its peers.
class Wills {
 public:
  /// `setup` is not owned and must outlive it.
  Wills(const Setup& setup, noise::Role role) : setup_(setup), role_(role) {}

  /// The frame for the next connection, which gets a new id. Only where one key is trusted and
  /// first use is over. Errc::limit above will_message_max, Errc::refused where the peer's key is
  /// a point of small order.
  Result<Bytes> seal(ByteView message);
  /// The id of the last seal(); nothing before.
  const std::optional<ConnectionId>& own() const { return own_; }

  /// The session with `peer` tells the id of its present connection, or that there is none. The one
  /// before is over.
  void announced(const crypto::PublicKey& peer, const std::optional<ConnectionId>& connection);
  void receive(const Will& frame, Instant now, Effects& out);

 private:
  /// Of one trusted peer.
  struct Known {
    std::optional<ConnectionId> present;
    std::deque<ConnectionId> spent;  // shown, or over

    bool has_spent(const ConnectionId& connection) const;
    void spend(const ConnectionId& connection);
    TokenBucket budget{will_burst, will_interval};
  };

  noise::HandshakeState handshake(noise::Role role, ByteView header,
                                  const crypto::PublicKey& peer) const;

  const Setup& setup_;
  noise::Role role_;
  std::optional<ConnectionId> own_;
  std::map<crypto::PublicKey, Known> known_;
  TokenBucket budget_{will_keys_burst, will_keys_interval};  // keys, for what nobody announced
};

}  // namespace sts::protocol
