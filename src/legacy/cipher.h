// AES-256 as STS 1 uses it.
#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.h"
#include "legacy/secret.h"

namespace sts::legacy {

enum class Aes { ecb, cbc };

/// The key of one session and, for CBC, the one register that both directions share: at first the
/// secret's first 16 bytes, then the last ciphertext block of whatever was sent or received last.
class Cipher {
 public:
  static constexpr std::size_t block_size = 16;

  Cipher(Aes mode, const Secret& secret);
  ~Cipher();
  Cipher(Cipher&&) noexcept;
  Cipher& operator=(Cipher&&) noexcept;

  /// `plaintext` padded with zero bytes to whole blocks, encrypted. Advances the register.
  Bytes encrypt(ByteView plaintext);

  /// `ciphertext` must be whole blocks. The padding stays. Advances the register, also where what
  /// comes out makes no sense: the sender's has advanced, too.
  Bytes decrypt(ByteView ciphertext);

 private:
  struct State;  // key schedules and the register, wiped when they go
  std::unique_ptr<State> state_;
};

}  // namespace sts::legacy
