// SymmetricState of the Noise Protocol Framework, revision 34, section 5.2.
#pragma once

#include <string_view>
#include <utility>

#include "crypto/hash.h"
#include "noise/cipher_state.h"

namespace sts::noise {

class SymmetricState {
 public:
  explicit SymmetricState(std::string_view protocol_name);

  void mix_key(ByteView input_key_material);
  void mix_hash(ByteView data);
  void mix_key_and_hash(ByteView input_key_material);
  Result<Bytes> encrypt_and_hash(ByteView plaintext);
  Result<Bytes> decrypt_and_hash(ByteView ciphertext);

  bool has_key() const { return cipher_.has_key(); }
  const crypto::Hash& handshake_hash() const { return h_; }
  /// The initiator's sending key first.
  std::pair<CipherState, CipherState> split() const;
  SymmetricState clone() const;

 private:
  SymmetricState(CipherState cipher, crypto::Secret<64> ck, const crypto::Hash& h)
      : cipher_(std::move(cipher)), ck_(std::move(ck)), h_(h) {}

  CipherState cipher_;
  crypto::Secret<64> ck_;
  crypto::Hash h_{};
};

}  // namespace sts::noise
