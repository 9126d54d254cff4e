#include "noise/symmetric_state.h"

#include <algorithm>

namespace sts::noise {
namespace {

/// The first 32 bytes of an HKDF output: section 5.2 truncates the 64 of BLAKE2b to a cipher key.
CipherState cipher_from(const crypto::Secret<64>& output) {
  return CipherState(crypto::Secret<32>(output.bytes().first<32>()));
}

}  // namespace

SymmetricState::SymmetricState(std::string_view protocol_name) {
  if (protocol_name.size() <= h_.size()) {
    std::copy(protocol_name.begin(), protocol_name.end(), h_.begin());
  } else {
    h_ = crypto::hash(as_bytes(protocol_name));
  }
  ck_ = crypto::Secret<64>(h_);
}

void SymmetricState::mix_key(ByteView input_key_material) {
  auto output = crypto::hkdf2(ck_, input_key_material);
  ck_ = std::move(output.first);
  cipher_ = cipher_from(output.second);
}

void SymmetricState::mix_hash(ByteView data) { h_ = crypto::hash(h_, data); }

void SymmetricState::mix_key_and_hash(ByteView input_key_material) {
  auto output = crypto::hkdf3(ck_, input_key_material);
  ck_ = std::move(output.first);
  mix_hash(output.second.bytes());
  cipher_ = cipher_from(output.third);
}

Result<Bytes> SymmetricState::encrypt_and_hash(ByteView plaintext) {
  auto ciphertext = cipher_.encrypt_with_ad(h_, plaintext);
  if (ciphertext) mix_hash(*ciphertext);
  return ciphertext;
}

Result<Bytes> SymmetricState::decrypt_and_hash(ByteView ciphertext) {
  auto plaintext = cipher_.decrypt_with_ad(h_, ciphertext);
  if (plaintext) mix_hash(ciphertext);
  return plaintext;
}

std::pair<CipherState, CipherState> SymmetricState::split() const {
  const auto output = crypto::hkdf2(ck_, {});
  return {cipher_from(output.first), cipher_from(output.second)};
}

SymmetricState SymmetricState::clone() const { return {cipher_.clone(), ck_.clone(), h_}; }

}  // namespace sts::noise
