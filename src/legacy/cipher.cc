#include "legacy/cipher.h"

#include <mbedtls/aes.h>
#include <mbedtls/platform_util.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace sts::legacy {
namespace {

/// Only a key or a text of a wrong size can fail.
void check_size(int code) {
  if (code != 0) std::abort();
}

}  // namespace

struct Cipher::State {
  State(Aes mode_wanted, const Secret& secret) : mode(mode_wanted) {
    mbedtls_aes_init(&encryption);
    mbedtls_aes_init(&decryption);
    check_size(mbedtls_aes_setkey_enc(&encryption, secret.bytes().data(), 256));
    check_size(mbedtls_aes_setkey_dec(&decryption, secret.bytes().data(), 256));
    std::copy_n(secret.bytes().begin(), iv.size(), iv.begin());
  }
  ~State() {
    mbedtls_aes_free(&encryption);
    mbedtls_aes_free(&decryption);
    mbedtls_platform_zeroize(iv.data(), iv.size());
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Bytes crypt(int direction, const Bytes& in) {
    auto* context = direction == MBEDTLS_AES_ENCRYPT ? &encryption : &decryption;
    Bytes out(in.size());
    if (mode == Aes::cbc) {
      check_size(
          mbedtls_aes_crypt_cbc(context, direction, in.size(), iv.data(), in.data(), out.data()));
      return out;
    }
    for (std::size_t at = 0; at < in.size(); at += block_size) {
      check_size(mbedtls_aes_crypt_ecb(context, direction, in.data() + at, out.data() + at));
    }
    return out;
  }

  Aes mode;
  mbedtls_aes_context encryption, decryption;
  std::array<std::uint8_t, block_size> iv{};
};

Cipher::Cipher(Aes mode, const Secret& secret) : state_(std::make_unique<State>(mode, secret)) {}
Cipher::~Cipher() = default;
Cipher::Cipher(Cipher&&) noexcept = default;
Cipher& Cipher::operator=(Cipher&&) noexcept = default;

Bytes Cipher::encrypt(ByteView plaintext) {
  Bytes padded = to_bytes(plaintext);
  padded.resize((padded.size() + block_size - 1) / block_size * block_size);
  return state_->crypt(MBEDTLS_AES_ENCRYPT, padded);
}

Bytes Cipher::decrypt(ByteView ciphertext) {
  if (ciphertext.size() % block_size != 0) std::abort();
  return state_->crypt(MBEDTLS_AES_DECRYPT, to_bytes(ciphertext));
}

}  // namespace sts::legacy
