// ChaCha20-Poly1305 (RFC 8439) with the nonce that Noise gives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace sts::crypto {

inline constexpr std::size_t tag_size = 16;

/// Appends the ciphertext of `plaintext` and its 16-byte tag to `out`; with room reserved there it
/// allocates nothing, and only then may `associated_data` be what stands in `out` already. The
/// nonce is four zero bytes and `counter` in little-endian (Noise, section 12). Whoever calls owns
/// the promise that a counter is used once per key: only CipherState and the session's seal do.
void aead_seal(const Secret<32>& key, std::uint64_t counter, ByteView associated_data,
               ByteView plaintext, Bytes& out);

/// Writes the plaintext, which is tag_size shorter, to `out`; false where the ciphertext, of
/// tag_size or more, is not authentic.
bool aead_open(const Secret<32>& key, std::uint64_t counter, ByteView associated_data,
               ByteView ciphertext, std::uint8_t* out);

/// Appends the plaintext to `out`; false, and `out` as it was, where the ciphertext is not
/// authentic.
template <typename Allocator>
bool aead_open(const Secret<32>& key, std::uint64_t counter, ByteView associated_data,
               ByteView ciphertext, std::vector<std::uint8_t, Allocator>& out) {
  if (ciphertext.size() < tag_size) return false;
  const auto before = out.size();
  out.resize(before + ciphertext.size() - tag_size);
  if (aead_open(key, counter, associated_data, ciphertext, out.data() + before)) return true;
  out.resize(before);
  return false;
}

}  // namespace sts::crypto
