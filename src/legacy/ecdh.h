// The key agreement of STS 1: ECDH on secp256k1 or X25519.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "legacy/secret.h"

namespace sts::legacy {

enum class Curve { secp256k1, x25519 };

/// As the config writes it.
std::string_view name(Curve curve);

/// A point as KEYREQ carries it; not yet known to be on its curve. Coordinates are big-endian.
struct PublicKey {
  using Coordinate = std::array<std::uint8_t, 32>;
  Coordinate x{};
  std::optional<Coordinate> y;  // none: x25519, and x is u

  Curve curve() const { return y ? Curve::secp256k1 : Curve::x25519; }
  friend bool operator==(const PublicKey&, const PublicKey&) = default;
};

class KeyPair {
 public:
  /// Draws the private key as 32 big-endian bytes from `random`: clamped for x25519, drawn again
  /// while out of range for secp256k1. What blinds the computation against timing is drawn after
  /// it.
  static KeyPair generate(Curve curve, Random& random);

  const PublicKey& public_key() const { return public_key_; }
  Curve curve() const { return public_key_.curve(); }

  /// The AES key of a session: for secp256k1 the product's X, big-endian; for x25519 the 32 bytes
  /// of RFC 7748, little-endian. Errc::refused where `peer` is of the other curve or not on the
  /// curve, or has a low order.
  Result<Secret> shared_secret(const PublicKey& peer, Random& random) const;

 private:
  KeyPair(Secret private_key, const PublicKey& public_key)
      : private_key_(std::move(private_key)), public_key_(public_key) {}

  Secret private_key_;  // big-endian
  PublicKey public_key_;
};

/// Whether the reference implementation would refuse this secret: it takes none with a zero byte.
bool has_zero_byte(const Secret& secret);

}  // namespace sts::legacy
