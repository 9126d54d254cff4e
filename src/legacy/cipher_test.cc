#include "legacy/cipher.h"

#include <gtest/gtest.h>

#include "legacy/testing.h"

namespace sts::legacy {
namespace {

constexpr std::string_view key_hex =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

Cipher cipher(Aes mode) {
  const Bytes key = from_hex(key_hex);
  return {mode, Secret(std::span<const std::uint8_t, 32>(key))};
}

TEST(Cipher, EcbIsAes256) {  // FIPS 197, appendix C.3
  EXPECT_EQ(cipher(Aes::ecb).encrypt(from_hex("00112233445566778899aabbccddeeff")),
            from_hex("8ea2b7ca516745bfeafc49904b496089"));
}

TEST(Cipher, EcbTakesBlockByBlock) {
  Cipher ecb = cipher(Aes::ecb);
  const Bytes twice = ecb.encrypt(Bytes(32, 7));
  EXPECT_TRUE(std::equal(twice.begin(), twice.begin() + 16, twice.begin() + 16));
  EXPECT_EQ(ecb.encrypt(Bytes(32, 7)), twice);
  EXPECT_EQ(ecb.decrypt(twice), Bytes(32, 7));
}

TEST(Cipher, PadsWithZerosToWholeBlocks) {
  for (const auto mode : {Aes::ecb, Aes::cbc}) {
    Cipher a = cipher(mode), b = cipher(mode);
    EXPECT_EQ(b.decrypt(a.encrypt(Bytes{1, 2})),
              (Bytes{1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
    EXPECT_EQ(a.encrypt(Bytes(16, 1)).size(), 16U);
    EXPECT_EQ(a.encrypt(Bytes(17, 1)).size(), 32U);
  }
}

TEST(Cipher, CbcBeginsWithTheSecretsFirstBlock) {
  // The register cancels the plaintext, so this is the encryption of a zero block.
  EXPECT_EQ(cipher(Aes::cbc).encrypt(from_hex(key_hex.substr(0, 32))),
            cipher(Aes::ecb).encrypt(Bytes(16, 0)));
}

TEST(Cipher, CbcSharesOneRegisterBetweenDirections) {
  Cipher a = cipher(Aes::cbc), b = cipher(Aes::cbc);
  const Bytes text(40, 9), padded = [&] {
    Bytes out = text;
    out.resize(48);
    return out;
  }();
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_EQ(b.decrypt(a.encrypt(text)), padded);
    EXPECT_EQ(a.decrypt(b.encrypt(text)), padded);
  }
}

TEST(Cipher, CbcCrossingSpoilsTwoFirstBlocksThenMends) {
  Cipher a = cipher(Aes::cbc), b = cipher(Aes::cbc);
  const Bytes text(32, 9), other(32, 8);
  const auto spoilt = [](const Bytes& got, std::uint8_t sent) {
    return Bytes(got.begin(), got.begin() + 16) != Bytes(16, sent) &&
           Bytes(got.begin() + 16, got.end()) == Bytes(16, sent);
  };
  const Bytes from_a = a.encrypt(text), from_b = b.encrypt(other);
  EXPECT_TRUE(spoilt(a.decrypt(from_b), 8));
  EXPECT_TRUE(spoilt(b.decrypt(from_a), 9));
  EXPECT_TRUE(spoilt(b.decrypt(a.encrypt(text)), 9));
  EXPECT_EQ(b.decrypt(a.encrypt(text)), text);
}

TEST(Secret, IsWipedWhenMovedFrom) {
  const Bytes key = from_hex(key_hex);
  Secret a{std::span<const std::uint8_t, 32>(key)};
  const Secret b = std::move(a);
  EXPECT_TRUE(std::ranges::equal(b.bytes(), key));
  // What is left behind is what this asks.
  // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
  EXPECT_TRUE(std::ranges::all_of(a.bytes(), [](auto byte) { return byte == 0; }));
}

}  // namespace
}  // namespace sts::legacy
