// HandshakeState of the Noise Protocol Framework, revision 34, section 5.3.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <utility>

#include "base/random.h"
#include "crypto/keys.h"
#include "noise/pattern.h"
#include "noise/symmetric_state.h"

namespace sts::noise {

enum class Role { initiator, responder };

/// Asked at each psk token for the PSK shared with the owner of `remote_static` (null where the
/// pattern has told none yet). Null as an answer refuses the peer. What it returns must live until
/// the call that asked returns.
using PskSource = std::function<const crypto::Psk*(const crypto::PublicKey* remote_static)>;

/// One side of one handshake. Errors leave the object unusable except for destruction: whoever must
/// survive a bad message reads it into a clone(). What only a mistake in the program can cause (a
/// message out of turn, a key that the pattern needs and Known lacks) ends the program.
class HandshakeState {
 public:
  /// What a side knows before the first message. `local_static` is not owned and must outlive the
  /// handshake and its clones.
  struct Known {
    const crypto::KeyPair* local_static = nullptr;
    std::optional<crypto::PublicKey> remote_static = {};
    PskSource psk = {};
  };

  HandshakeState(const Pattern& pattern, Role role, ByteView prologue, Known known);

  /// The next message with `payload` inside, 65535 bytes at most in all (Errc::limit). Draws the
  /// ephemeral key, where one is due, from `random`. Errc::refused as for read_message.
  Result<Bytes> write_message(ByteView payload, Random& random);

  /// Takes the peer's next message and returns its payload. Errc::malformed where it is too short,
  /// Errc::refused where it is not authentic, the peer's key is a point of small order, or the PSK
  /// source said no.
  Result<Bytes> read_message(ByteView message);

  bool finished() const { return next_ == pattern_->messages.size(); }
  const std::optional<crypto::PublicKey>& remote_static() const { return rs_; }
  /// Binds the channel (section 11.2). Final once finished().
  const crypto::Hash& handshake_hash() const { return symmetric_.handshake_hash(); }

  /// Ends the handshake: this side's sending and receiving key. Only when finished(). One-way
  /// patterns use the initiator's sending key and no other (section 7.4).
  struct Transport {
    CipherState send, receive;
  };
  Transport split() &&;

  HandshakeState clone() const;

 private:
  HandshakeState(const Pattern& pattern, Role role, SymmetricState symmetric, Known known);

  void mix_pre_message(std::span<const Token> tokens, Role sender);
  /// The tokens of the next message, which must be `sender`'s.
  std::span<const Token> due(Role sender) const;
  const crypto::KeyPair& local_static() const;
  void mix_ephemeral(const crypto::PublicKey& key);
  /// One of the tokens that put nothing on the wire: ee, es, se, ss, psk.
  Result<void> mix_shared(Token token);

  const Pattern* pattern_;
  Role role_;
  SymmetricState symmetric_;
  const crypto::KeyPair* s_;
  std::optional<crypto::KeyPair> e_;
  std::optional<crypto::PublicKey> rs_, re_;
  PskSource psk_;
  std::size_t next_ = 0;
};

}  // namespace sts::noise
