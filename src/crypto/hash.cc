#include "crypto/hash.h"

namespace sts::crypto {
namespace {

constexpr std::size_t block_size = 128;

/// BLAKE2b over any number of parts; wiped when it goes.
class Blake2b {
 public:
  explicit Blake2b(std::size_t digest_size) {
    crypto_generichash_blake2b_init(&state_, nullptr, 0, digest_size);
  }
  ~Blake2b() { sodium_memzero(&state_, sizeof state_); }
  Blake2b(const Blake2b&) = delete;
  Blake2b& operator=(const Blake2b&) = delete;

  Blake2b& update(ByteView part) {
    crypto_generichash_blake2b_update(&state_, part.data(), part.size());
    return *this;
  }
  void final(MutableBytes digest) {
    crypto_generichash_blake2b_final(&state_, digest.data(), digest.size());
  }

 private:
  crypto_generichash_blake2b_state state_{};
};

}  // namespace

Hash hash(ByteView first, ByteView second) {
  Hash digest{};
  Blake2b(hash_size).update(first).update(second).final(digest);
  return digest;
}

Secret<hash_size> hmac(ByteView key, ByteView first, ByteView second) {
  Secret<block_size> pad;
  auto block = pad.writable();
  if (key.size() > block_size) {
    Blake2b(hash_size).update(key).final(block.first<hash_size>());
  } else {
    std::copy(key.begin(), key.end(), block.begin());
  }

  Secret<hash_size> digest;
  for (auto& byte : block) byte ^= 0x36;
  Blake2b(hash_size).update(block).update(first).update(second).final(digest.writable());
  for (auto& byte : block) byte ^= 0x36 ^ 0x5c;
  Blake2b(hash_size).update(block).update(digest.bytes()).final(digest.writable());
  return digest;
}

Secret<32> kdf(ByteView key, std::string_view label, ByteView data) {
  const auto digest = hmac(key, as_bytes(label), data);
  return Secret<32>(digest.bytes().first<32>());
}

Hkdf2 hkdf2(const Secret<hash_size>& chaining_key, ByteView input) {
  auto temp_key = hmac(chaining_key.bytes(), input);
  auto first = hmac(temp_key.bytes(), as_bytes("\x01"));
  auto second = hmac(temp_key.bytes(), first.bytes(), as_bytes("\x02"));
  return {std::move(first), std::move(second)};
}

Hkdf3 hkdf3(const Secret<hash_size>& chaining_key, ByteView input) {
  auto temp_key = hmac(chaining_key.bytes(), input);
  auto first = hmac(temp_key.bytes(), as_bytes("\x01"));
  auto second = hmac(temp_key.bytes(), first.bytes(), as_bytes("\x02"));
  auto third = hmac(temp_key.bytes(), second.bytes(), as_bytes("\x03"));
  return {std::move(first), std::move(second), std::move(third)};
}

}  // namespace sts::crypto
