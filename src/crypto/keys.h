// Key types that cannot be mistaken for one another, X25519, and their text form.
#pragma once

#include <array>
#include <compare>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "crypto/secret.h"

namespace sts::crypto {

/// Must be called once before anything else in this room; ends the program when libsodium cannot
/// work.
void initialise();

/// An X25519 public key (RFC 7748), 32 bytes.
struct PublicKey {
  static constexpr std::size_t size = 32;
  std::array<std::uint8_t, size> bytes{};

  ByteView view() const { return bytes; }
  friend auto operator<=>(const PublicKey&, const PublicKey&) = default;
};

/// An X25519 private key, 32 bytes.
class PrivateKey : public Secret<32> {
 public:
  using Secret::Secret;
  explicit PrivateKey(Secret<32> bytes) : Secret(std::move(bytes)) {}
  PrivateKey clone() const { return PrivateKey(Secret::clone()); }
};

/// A pre-shared symmetric key, 32 bytes; all zero means that none was agreed on.
class Psk : public Secret<32> {
 public:
  using Secret::Secret;
  explicit Psk(Secret<32> bytes) : Secret(std::move(bytes)) {}
  Psk clone() const { return Psk(Secret::clone()); }
};

struct KeyPair {
  PrivateKey private_key;
  PublicKey public_key;

  static KeyPair generate(Random& random);
  /// The pair that belongs to `private_key`.
  static KeyPair from(PrivateKey private_key);
  KeyPair clone() const { return {private_key.clone(), public_key}; }
};

/// X25519(private_key, public_key). Refused where the result is all zero, that is where the other's
/// key is a point of small order (RFC 7748, section 6.1).
Result<Secret<32>> dh(const PrivateKey& private_key, const PublicKey& public_key);

/// Refuses a point of small order: it is nobody's key, and dh() fails with it always. Costs as much
/// as dh().
Result<void> check_public_key(const PublicKey& key);

/// 44 characters of base64 (RFC 4648, section 4), as WireGuard writes its keys.
std::string to_text(const PublicKey& key);
/// The same for a private key or PSK; the caller wipes the text.
std::string to_text(const Secret<32>& key);

/// Reads 44 characters of base64, of which each key has one form only; Errc::bad_input otherwise.
/// The error says what is wrong without repeating the text.
Result<PublicKey> parse_public_key(std::string_view text);
Result<Secret<32>> parse_secret_key(std::string_view text);

/// What people read aloud to compare keys: the first 16 bytes of BLAKE2b-256 over the key, as 8
/// groups of 4 hex digits ("1f2e-..."): 128 bits, so that a second key with the same one cannot be
/// searched for.
std::string fingerprint(const PublicKey& key);

}  // namespace sts::crypto
