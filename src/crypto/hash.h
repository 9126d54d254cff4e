// BLAKE2b (RFC 7693), HMAC over it, and the HKDF of Noise.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace sts::crypto {

inline constexpr std::size_t hash_size = 64;
using Hash = std::array<std::uint8_t, hash_size>;

/// BLAKE2b-512 of the two parts, one after the other.
Hash hash(ByteView first, ByteView second = {});

/// HMAC-BLAKE2b (RFC 2104 with BLAKE2b-512 and its 128-byte block) of the two parts.
Secret<hash_size> hmac(ByteView key, ByteView first, ByteView second = {});

/// A key for one purpose: hmac of label and data, cut to 32 bytes. Of labels that are used under
/// one key, none is the beginning of another.
Secret<32> kdf(ByteView key, std::string_view label, ByteView data = {});

struct Hkdf2 {
  Secret<hash_size> first, second;
};
struct Hkdf3 {
  Secret<hash_size> first, second, third;
};
/// HKDF of Noise, section 4.3.
Hkdf2 hkdf2(const Secret<hash_size>& chaining_key, ByteView input);
Hkdf3 hkdf3(const Secret<hash_size>& chaining_key, ByteView input);

}  // namespace sts::crypto
