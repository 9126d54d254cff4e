// Where random bytes come from: the kernel in the program, a seed in tests.
#pragma once

#include <cstdint>

#include "base/random.h"
#include "crypto/secret.h"

namespace sts::crypto {

class SystemRandom : public Random {
 public:
  void fill(MutableBytes out) override;
};

/// The same bytes for the same seed, for tests and test vectors only: nothing in the program makes
/// one. Call n, from 0, gives the ChaCha20 key stream (original form, 8-byte nonce) of key = seed
/// in little-endian and 24 zero bytes, nonce = n in little-endian.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed);
  void fill(MutableBytes out) override;

 private:
  Secret<32> seed_;
  std::uint64_t calls_ = 0;
};

}  // namespace sts::crypto
