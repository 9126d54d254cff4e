// One side of STS 2 on a pair of topics: bytes and time in, Effects out. No I/O, no clock, no
// threads.
#pragma once

#include <functional>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "protocol/effects.h"
#include "protocol/link.h"
#include "protocol/token_bucket.h"
#include "protocol/will.h"

namespace sts::protocol {

/// Whom a side speaks to. A PSK that is all zero stands for none.
struct Trust {
  struct Peer {
    crypto::PublicKey key;
    crypto::Psk psk;
  };
  std::vector<Peer> peers;
  /// Set: with no peer known, the first that proves itself, with this PSK, becomes the only one.
  std::optional<crypto::Psk> first_use;

  /// The PSK shared with `key`; null refuses it.
  const crypto::Psk* psk_for(const crypto::PublicKey& key) const;
  /// First use is over: `key` is the one.
  void pin(const crypto::PublicKey& key);
};

/// What both roles are made with.
struct Setup {
  const crypto::KeyPair* identity;  // not owned, outlives the endpoint
  Topics topics;
  Trust trust;
  Limits limits;
  Random* random;  // not owned
};

class Endpoint {
 public:
  Endpoint(Setup setup, noise::Role role);
  virtual ~Endpoint() = default;
  Endpoint(const Endpoint&) = delete;  // sessions refer to the topics inside
  Endpoint& operator=(const Endpoint&) = delete;

  /// The connection to the broker stands and the topic is subscribed, or it is lost. `max_frame` is
  /// the largest payload the broker takes; without a connection it doesn't count.
  virtual void set_online(bool online, std::size_t max_frame, Instant now, Effects& out) = 0;
  /// Any bytes that came on the topic.
  virtual void receive(ByteView payload, Instant now, Effects& out) = 0;
  /// When to call advance() next; `never` for not before something else happens.
  virtual Instant next_deadline() const = 0;
  virtual void advance(Instant now, Effects& out) = 0;

  /// The peers there is a session with.
  virtual std::vector<Link*> links() = 0;
  /// The link a Ticket or a caller names; null if there is none.
  Link* link(const crypto::PublicKey& peer);
  Wills& wills() { return wills_; }

 protected:
  noise::HandshakeState new_handshake(noise::Role role) const;
  /// Random, and not in use on this side.
  SessionIndex new_index();
  virtual bool uses(SessionIndex local) = 0;

  Setup setup_;
  Bytes prologue_;
  Wills wills_;
  bool online_ = false;
  // For handshake messages that cost a Diffie-Hellman, and for HELLOs, sent or heeded.
  TokenBucket dh_budget_{dh_burst, dh_interval}, hello_budget_{hello_burst, hello_interval};
};

}  // namespace sts::protocol
