#include "crypto/signature.h"

#include <gtest/gtest.h>

#include "base/hex.h"

namespace sts::crypto {
namespace {

// RFC 8032, section 7.1, TEST 2.
const Bytes seed = *from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
const Bytes verifying_key =
    *from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
const Bytes wanted = *from_hex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");

SigningKey key() { return SigningKey::from_seed(Secret<32>(std::span(seed).first<32>())); }

TEST(Signature, IsTheStandards) {
  EXPECT_TRUE(std::ranges::equal(key().verifying_key().bytes, verifying_key));
  EXPECT_TRUE(std::ranges::equal(key().sign(Bytes{0x72}), wanted));
}

TEST(Signature, HoldsForItsMessageAndKeyOnly) {
  const auto signature = key().sign(as_bytes("closed"));
  EXPECT_TRUE(verify(key().verifying_key(), as_bytes("closed"), signature));
  EXPECT_FALSE(verify(key().verifying_key(), as_bytes("opened"), signature));
  const auto other = SigningKey::from_seed(Secret<32>());
  EXPECT_FALSE(verify(other.verifying_key(), as_bytes("closed"), signature));
  for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
    auto changed = signature;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_FALSE(verify(key().verifying_key(), as_bytes("closed"), changed)) << bit;
  }
}

TEST(Signature, AKeyOfSmallOrderSpeaksForNobody) {
  VerifyingKey neutral;
  neutral.bytes[0] = 1;  // the neutral element: with S = 0, R = 1 it would fit any message
  Signature trivial{};
  trivial[0] = 1;
  EXPECT_FALSE(verify(neutral, as_bytes("anything"), trivial));
}

}  // namespace
}  // namespace sts::crypto
