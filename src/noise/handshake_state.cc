#include "noise/handshake_state.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/reader.h"

namespace sts::noise {
namespace {

/// Section 3: no Noise message is longer.
constexpr std::size_t max_message_size = 65535;

std::string protocol_name(const Pattern& pattern) {
  return "Noise_" + std::string(pattern.name) + "_25519_ChaChaPoly_BLAKE2b";
}

auto too_short() { return fail(Errc::malformed, "a handshake message is too short"); }

/// For values that only a mistake in the program can leave out.
template <typename T>
const T& required(const std::optional<T>& value) {
  if (!value) std::abort();
  return *value;
}

}  // namespace

HandshakeState::HandshakeState(const Pattern& pattern, Role role, ByteView prologue, Known known)
    : HandshakeState(pattern, role, SymmetricState(protocol_name(pattern)), std::move(known)) {
  if (pattern.has_psk && !psk_) std::abort();
  symmetric_.mix_hash(prologue);
  mix_pre_message(pattern.initiator_pre_message, Role::initiator);
  mix_pre_message(pattern.responder_pre_message, Role::responder);
}

HandshakeState::HandshakeState(const Pattern& pattern, Role role, SymmetricState symmetric,
                               Known known)
    : pattern_(&pattern),
      role_(role),
      symmetric_(std::move(symmetric)),
      s_(known.local_static),
      rs_(known.remote_static),
      psk_(std::move(known.psk)) {}

void HandshakeState::mix_pre_message(std::span<const Token> tokens, Role sender) {
  for (auto token : tokens) {
    if (token != Token::s) std::abort();
    symmetric_.mix_hash(sender == role_ ? local_static().public_key.view() : required(rs_).view());
  }
}

Result<Bytes> HandshakeState::write_message(ByteView payload, Random& random) {
  Bytes message;
  for (auto token : due(role_)) {
    if (token == Token::e) {
      e_ = crypto::KeyPair::generate(random);
      append(message, e_->public_key.view());
      mix_ephemeral(e_->public_key);
    } else if (token == Token::s) {
      auto sealed = symmetric_.encrypt_and_hash(local_static().public_key.view());
      if (!sealed) return sealed;
      append(message, *sealed);
    } else if (auto mixed = mix_shared(token); !mixed) {
      return tl::unexpected(std::move(mixed).error());
    }
  }
  auto sealed = symmetric_.encrypt_and_hash(payload);
  if (!sealed) return sealed;
  append(message, *sealed);
  if (message.size() > max_message_size) {
    return fail(Errc::limit, "a handshake message would be longer than 65535 bytes");
  }
  ++next_;
  return message;
}

Result<Bytes> HandshakeState::read_message(ByteView message) {
  if (message.size() > max_message_size) {
    return fail(Errc::malformed, "a handshake message is longer than 65535 bytes");
  }
  Reader in(message);
  for (auto token : due(role_ == Role::initiator ? Role::responder : Role::initiator)) {
    if (token == Token::e) {
      auto key = in.array<crypto::PublicKey::size>();
      if (!key) return too_short();
      re_ = crypto::PublicKey{*key};
      mix_ephemeral(*re_);
    } else if (token == Token::s) {
      auto sealed =
          in.take(crypto::PublicKey::size + (symmetric_.has_key() ? crypto::tag_size : 0));
      if (!sealed) return too_short();
      auto key = symmetric_.decrypt_and_hash(*sealed);
      if (!key) return key;
      std::copy(key->begin(), key->end(), rs_.emplace().bytes.begin());
    } else if (auto mixed = mix_shared(token); !mixed) {
      return tl::unexpected(std::move(mixed).error());
    }
  }
  auto payload = symmetric_.decrypt_and_hash(in.rest());
  if (payload) ++next_;
  return payload;
}

std::span<const Token> HandshakeState::due(Role sender) const {
  const auto turn = next_ % 2 == 0 ? Role::initiator : Role::responder;
  if (finished() || turn != sender) std::abort();
  return pattern_->messages[next_];
}

const crypto::KeyPair& HandshakeState::local_static() const {
  if (s_ == nullptr) std::abort();
  return *s_;
}

void HandshakeState::mix_ephemeral(const crypto::PublicKey& key) {
  symmetric_.mix_hash(key.view());
  if (pattern_->has_psk) symmetric_.mix_key(key.view());
}

Result<void> HandshakeState::mix_shared(Token token) {
  if (token == Token::psk) {
    const auto* psk = psk_(rs_ ? &*rs_ : nullptr);
    if (psk == nullptr) return fail(Errc::refused, "there is no pre-shared key for this peer");
    symmetric_.mix_key_and_hash(psk->bytes());
    return {};
  }
  const bool initiator = role_ == Role::initiator;
  const bool own_static = token == Token::ss || token == (initiator ? Token::se : Token::es);
  const bool remote_static = token == Token::ss || token == (initiator ? Token::es : Token::se);
  const auto& own = own_static ? local_static() : required(e_);
  const auto shared = crypto::dh(own.private_key, required(remote_static ? rs_ : re_));
  if (!shared) return tl::unexpected(shared.error());
  symmetric_.mix_key(shared->bytes());
  return {};
}

HandshakeState::Transport HandshakeState::split() && {
  if (!finished()) std::abort();
  auto [first, second] = symmetric_.split();
  if (role_ == Role::initiator) return {std::move(first), std::move(second)};
  return {std::move(second), std::move(first)};
}

HandshakeState HandshakeState::clone() const {
  HandshakeState copy(*pattern_, role_, symmetric_.clone(), {s_, rs_, psk_});
  if (e_) copy.e_ = e_->clone();
  copy.re_ = re_;
  copy.next_ = next_;
  return copy;
}

}  // namespace sts::noise
