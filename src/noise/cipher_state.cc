#include "noise/cipher_state.h"

#include <cstdlib>
#include <limits>

namespace sts::noise {
namespace {

constexpr auto reserved_nonce = std::numeric_limits<std::uint64_t>::max();

auto spent() { return fail(Errc::limit, "the message counter of this key is spent"); }

}  // namespace

Result<Bytes> CipherState::encrypt_with_ad(ByteView ad, ByteView plaintext) {
  if (!key_) return to_bytes(plaintext);
  if (nonce_ == reserved_nonce) return spent();
  Bytes ciphertext;
  crypto::aead_seal(*key_, nonce_++, ad, plaintext, ciphertext);
  return ciphertext;
}

Result<Bytes> CipherState::decrypt_with_ad(ByteView ad, ByteView ciphertext) {
  if (!key_) return to_bytes(ciphertext);
  if (nonce_ == reserved_nonce) return spent();
  if (ciphertext.size() < crypto::tag_size) {
    return fail(Errc::malformed, "a ciphertext is shorter than its tag");
  }
  Bytes plaintext;
  if (!crypto::aead_open(*key_, nonce_, ad, ciphertext, plaintext)) {
    return fail(Errc::refused, "a ciphertext is not authentic");
  }
  ++nonce_;
  return plaintext;
}

crypto::Secret<32> CipherState::take_key() && {
  if (!key_ || nonce_ != 0) std::abort();
  auto key = std::move(*key_);
  key_.reset();
  return key;
}

CipherState CipherState::clone() const {
  CipherState copy;
  if (key_) copy.key_.emplace(key_->bytes());
  copy.nonce_ = nonce_;
  return copy;
}

}  // namespace sts::noise
