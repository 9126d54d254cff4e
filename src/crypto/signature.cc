#include "crypto/signature.h"

#include <sodium.h>

namespace sts::crypto {

SigningKey SigningKey::from_seed(const Secret<32>& seed) {
  SigningKey out;
  crypto_sign_ed25519_seed_keypair(out.verifying_key_.bytes.data(), out.key_.writable().data(),
                                   seed.bytes().data());
  return out;
}

Signature SigningKey::sign(ByteView message) const {
  Signature out{};
  crypto_sign_ed25519_detached(out.data(), nullptr, message.data(), message.size(),
                               key_.bytes().data());
  return out;
}

bool verify(const VerifyingKey& key, ByteView message, const Signature& signature) {
  return crypto_sign_ed25519_verify_detached(signature.data(), message.data(), message.size(),
                                             key.bytes.data()) == 0;
}

}  // namespace sts::crypto
