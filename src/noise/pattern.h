// Handshake patterns as data: Noise, revision 34, sections 7 and 9.
#pragma once

#include <span>
#include <string_view>

namespace sts::noise {

enum class Token { e, s, ee, es, se, ss, psk };

struct Pattern {
  /// For instance "XXpsk3"; the protocol name is "Noise_" + this + "_25519_ChaChaPoly_BLAKE2b".
  std::string_view name;
  std::span<const Token> initiator_pre_message;
  std::span<const Token> responder_pre_message;
  /// The first is the initiator's, then they take turns. With one message only (N, K, X) the
  /// pattern is one-way.
  std::span<const std::span<const Token>> messages;
  /// Whether any message has a psk token: then every `e` is mixed into the key too (section 9.2).
  bool has_psk;
};

/// The pattern of STS 2 sessions.
extern const Pattern XXpsk3;
/// One message to a reader whose key the sender knows, and who knows the sender's: wills, and keys
/// of channels.
extern const Pattern Kpsk0;

}  // namespace sts::noise
