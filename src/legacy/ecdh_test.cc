#include "legacy/ecdh.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "legacy/testing.h"
#include "vectors.h"

namespace sts::legacy {
namespace {

PublicKey::Coordinate coordinate(ByteView bytes) {
  PublicKey::Coordinate out{};
  std::ranges::copy(bytes, out.begin());
  return out;
}

Bytes reversed(Bytes bytes) {
  std::ranges::reverse(bytes);
  return bytes;
}

/// Right-aligned in 32 bytes; a leading zero byte of the encoding falls away.
Bytes private_key(Bytes number) {
  number.insert(number.begin(), 32, 0);
  return {number.end() - 32, number.end()};
}

TEST(Ecdh, BothSidesGetTheSameSecret) {
  for (const auto curve : {Curve::secp256k1, Curve::x25519}) {
    ScriptedRandom random;
    const auto a = KeyPair::generate(curve, random), b = KeyPair::generate(curve, random);
    EXPECT_EQ(a.curve(), curve);
    EXPECT_NE(a.public_key(), b.public_key());
    const auto ab = a.shared_secret(b.public_key(), random);
    const auto ba = b.shared_secret(a.public_key(), random);
    ASSERT_TRUE(ab && ba);
    EXPECT_TRUE(std::ranges::equal(ab->bytes(), ba->bytes()));
  }
}

TEST(Ecdh, Secp256k1RefusesWhatIsNotOnTheCurve) {
  ScriptedRandom random;
  const auto key = KeyPair::generate(Curve::secp256k1, random);
  PublicKey off = KeyPair::generate(Curve::secp256k1, random).public_key();
  (*off.y)[31] ^= 1U;
  PublicKey beyond_p = off;
  beyond_p.x.fill(0xff);
  PublicKey zero;
  zero.y.emplace();
  for (const auto& bad : {off, beyond_p, zero}) {
    const auto secret = key.shared_secret(bad, random);
    ASSERT_FALSE(secret);
    EXPECT_EQ(secret.error().code, Errc::refused);
    EXPECT_EQ(secret.error().message, "the peer's public key is not a usable point of secp256k1");
  }
}

TEST(Ecdh, X25519RefusesPointsOfLowOrder) {
  ScriptedRandom random;
  const auto key = KeyPair::generate(Curve::x25519, random);
  for (const auto* u :
       {"00", "01", "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec",
        "00b8495f16056286fdb1329ceb8d09da6ac49ff1fae35616aeb8413b7c7aebe0"}) {
    PublicKey bad;
    bad.x = coordinate(private_key(from_hex(u)));
    EXPECT_FALSE(key.shared_secret(bad, random)) << u;
  }
}

TEST(Ecdh, RefusesTheOtherCurve) {
  ScriptedRandom random;
  const auto a = KeyPair::generate(Curve::secp256k1, random);
  const auto b = KeyPair::generate(Curve::x25519, random);
  EXPECT_FALSE(a.shared_secret(b.public_key(), random));
  EXPECT_FALSE(b.shared_secret(a.public_key(), random));
}

TEST(Ecdh, DrawsAgainWhatIsNoPrivateKey) {
  const Bytes order = from_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
  const Bytes two = private_key({2});
  ScriptedRandom bad_first({Bytes(32, 0), order, Bytes(32, 0xff), two}), good({two});
  EXPECT_EQ(KeyPair::generate(Curve::secp256k1, bad_first).public_key(),
            KeyPair::generate(Curve::secp256k1, good).public_key());
}

TEST(Ecdh, WycheproofSecp256k1) {
  const auto vectors = load_vectors("wycheproof/ecdh_secp256k1_test.json");
  STS_SKIP_WITHOUT(vectors, "wycheproof/ecdh_secp256k1_test.json");
  // SubjectPublicKeyInfo of a named curve with an uncompressed point, up to the coordinates.
  const std::string uncompressed = "3056301006072a8648ce3d020106052b8104000a03420004";
  int valid = 0, invalid = 0;
  for (const auto& group : vectors->at("testGroups")) {
    for (const auto& test : group.at("tests")) {
      const auto encoded = test.at("public").get<std::string>();
      if (!encoded.starts_with(uncompressed) || encoded.size() != uncompressed.size() + 128)
        continue;
      SCOPED_TRACE(test.at("tcId").get<int>());
      const Bytes point = from_hex(encoded.substr(uncompressed.size()));
      const PublicKey peer{coordinate(ByteView(point).first(32)),
                           coordinate(ByteView(point).last(32))};
      ScriptedRandom random({private_key(from_hex(test.at("private").get<std::string>()))});
      const auto key = KeyPair::generate(Curve::secp256k1, random);
      const auto secret = key.shared_secret(peer, random);
      // The only acceptable one among these is a damaged encoding, which leaves no point of the
      // curve.
      if (test.at("result") != "valid") {
        EXPECT_FALSE(secret);
        ++invalid;
      } else {
        ASSERT_TRUE(secret);
        EXPECT_TRUE(
            std::ranges::equal(secret->bytes(), from_hex(test.at("shared").get<std::string>())));
        ++valid;
      }
    }
  }
  EXPECT_GT(valid, 0);
  EXPECT_GT(invalid, 0);
}

TEST(Ecdh, WycheproofX25519) {
  const auto vectors = load_vectors("wycheproof/x25519_test.json");
  STS_SKIP_WITHOUT(vectors, "wycheproof/x25519_test.json");
  int computed = 0;
  for (const auto& group : vectors->at("testGroups")) {
    for (const auto& test : group.at("tests")) {
      const Bytes u = reversed(from_hex(test.at("public").get<std::string>()));
      // RFC 7748 masks the highest bit; STS 1 sends an integer, which never has it.
      if ((u[0] & 0x80U) != 0) continue;
      SCOPED_TRACE(test.at("tcId").get<int>());
      PublicKey peer;
      peer.x = coordinate(u);
      ScriptedRandom random({reversed(from_hex(test.at("private").get<std::string>()))});
      const auto key = KeyPair::generate(Curve::x25519, random);
      const auto secret = key.shared_secret(peer, random);
      const Bytes shared = from_hex(test.at("shared").get<std::string>());
      if (shared == Bytes(32, 0)) {
        EXPECT_FALSE(secret);
        continue;
      }
      ASSERT_TRUE(secret);
      EXPECT_TRUE(std::ranges::equal(secret->bytes(), shared));
      ++computed;
    }
  }
  EXPECT_GT(computed, 0);
}

}  // namespace
}  // namespace sts::legacy
