// The keys of one finished handshake: seals and opens ENC frames. Knows nothing of records or
// peers.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/time.h"
#include "crypto/hash.h"
#include "noise/handshake_state.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "protocol/replay_window.h"

namespace sts::protocol {

/// The logical topics, which the prologue and every frame are bound to.
struct Topics {
  Bytes initiator_to_responder;
  Bytes responder_to_initiator;
};

/// Both topics, the initiator's first, each with its length as in MQTT.
void put_topics(Bytes& out, const Topics& topics);
/// "STS 2 session" and both topics.
Bytes prologue(const Topics& topics);

class Session {
 public:
  /// Consumes a finished handshake. `topics` must outlive the session.
  Session(noise::HandshakeState handshake, noise::Role role, SessionIndex local,
          SessionIndex remote, const Topics& topics, const Limits& limits, Instant now);

  /// The whole frame around `plaintext`. The counter is spent, whatever becomes of the frame.
  /// Errc::limit from reject_after_messages and reject_after_time on.
  Result<Bytes> seal(ByteView plaintext, Instant now);

  /// The plaintext. Errc::repeated for a counter seen before or too old to tell, Errc::refused
  /// where the frame is not authentic, Errc::limit when the keys are used up. A failure changes
  /// nothing.
  Result<Bytes> open(const Enc& frame, Instant now);

  /// Whether seal() would seal.
  bool can_seal(Instant now) const { return !used_up(send_counter_, now); }
  /// When the initiator is to make new keys; in the past where the count asks for it.
  Instant rekey_at() const;

  SessionIndex local() const { return local_; }
  SessionIndex remote() const { return remote_; }
  Instant established() const { return established_; }
  std::uint64_t sealed() const { return send_counter_; }
  std::uint64_t opened() const { return opened_; }
  const crypto::Hash& handshake_hash() const { return handshake_hash_; }

 private:
  bool used_up(std::uint64_t counter, Instant now) const;

  Limits limits_;
  SessionIndex local_, remote_;
  FrameType send_type_;
  const Bytes& send_topic_;
  const Bytes& receive_topic_;
  crypto::Hash handshake_hash_;
  crypto::Secret<32> send_key_, receive_key_;
  std::uint64_t send_counter_ = 0;
  std::uint64_t opened_ = 0;
  ReplayWindow window_;
  Instant established_;
  Bytes associated_data_;  // kept for its capacity
};

}  // namespace sts::protocol
