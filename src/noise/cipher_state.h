// CipherState of the Noise Protocol Framework, revision 34, section 5.1.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/aead.h"
#include "crypto/secret.h"

namespace sts::noise {

/// A key and the nonce that counts up with every message. A spent counter (2^64 - 1) is an error.
class CipherState {
 public:
  CipherState() = default;  // without a key: bytes pass in clear, as the standard says
  explicit CipherState(crypto::Secret<32> key) : key_(std::move(key)) {}

  bool has_key() const { return key_.has_value(); }
  std::uint64_t nonce() const { return nonce_; }

  /// Errc::limit where the counter is spent.
  Result<Bytes> encrypt_with_ad(ByteView ad, ByteView plaintext);
  /// Errc::malformed where it is shorter than a tag, Errc::refused where it is not authentic: both
  /// leave the nonce as it was.
  Result<Bytes> decrypt_with_ad(ByteView ad, ByteView ciphertext);

  /// Gives the key away to a transport that counts its own nonces; only before the first message
  /// (anything else ends the program).
  crypto::Secret<32> take_key() &&;
  CipherState clone() const;

 private:
  std::optional<crypto::Secret<32>> key_;
  std::uint64_t nonce_ = 0;
};

}  // namespace sts::noise
