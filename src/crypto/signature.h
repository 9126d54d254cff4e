// Ed25519 (RFC 8032): for members of a group who must not be able to speak for one another.
#pragma once

#include <array>
#include <compare>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace sts::crypto {

/// The public half, 32 bytes.
struct VerifyingKey {
  static constexpr std::size_t size = 32;
  std::array<std::uint8_t, size> bytes{};
  friend auto operator<=>(const VerifyingKey&, const VerifyingKey&) = default;
};

using Signature = std::array<std::uint8_t, 64>;

class SigningKey {
 public:
  /// The pair that belongs to RFC 8032's 32-byte private key.
  static SigningKey from_seed(const Secret<32>& seed);

  const VerifyingKey& verifying_key() const { return verifying_key_; }
  Signature sign(ByteView message) const;

 private:
  SigningKey() = default;
  Secret<64> key_;  // libsodium's form: the seed and the public key
  VerifyingKey verifying_key_;
};

/// Whether `signature` is the key's for `message`. Keys of small order and signatures in another
/// than their one form are refused.
bool verify(const VerifyingKey& key, ByteView message, const Signature& signature);

}  // namespace sts::crypto
