#include "crypto/aead.h"

#include <array>

namespace sts::crypto {
namespace {

using Nonce = std::array<std::uint8_t, crypto_aead_chacha20poly1305_ietf_NPUBBYTES>;

Nonce nonce_of(std::uint64_t counter) {
  Nonce nonce{};
  for (std::size_t i = 0; i < 8; ++i) {
    nonce[4 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
  }
  return nonce;
}

}  // namespace

void aead_seal(const Secret<32>& key, std::uint64_t counter, ByteView associated_data,
               ByteView plaintext, Bytes& out) {
  const auto before = out.size();
  out.resize(before + plaintext.size() + tag_size);
  crypto_aead_chacha20poly1305_ietf_encrypt(
      out.data() + before, nullptr, plaintext.data(), plaintext.size(), associated_data.data(),
      associated_data.size(), nullptr, nonce_of(counter).data(), key.bytes().data());
}

bool aead_open(const Secret<32>& key, std::uint64_t counter, ByteView associated_data,
               ByteView ciphertext, std::uint8_t* out) {
  return crypto_aead_chacha20poly1305_ietf_decrypt(
             out, nullptr, nullptr, ciphertext.data(), ciphertext.size(), associated_data.data(),
             associated_data.size(), nonce_of(counter).data(), key.bytes().data()) == 0;
}

}  // namespace sts::crypto
