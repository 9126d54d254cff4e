#include "crypto/hash.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/hex.h"

namespace sts::crypto {
namespace {

Bytes counting(std::size_t size) {
  Bytes bytes(size);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return bytes;
}

template <std::size_t N>
Secret<N> counting_secret() {
  return Secret<N>(std::span<const std::uint8_t, N>(counting(N)));
}

TEST(Hash, Rfc7693AppendixA) {
  const auto* expected =
      "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
      "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923";
  EXPECT_EQ(to_hex(hash(as_bytes("abc"))), expected);
  EXPECT_EQ(to_hex(hash(as_bytes("a"), as_bytes("bc"))), expected);
  EXPECT_EQ(to_hex(hash({}, as_bytes("abc"))), expected);
}

// The values below come from Python's hmac and hashlib modules.

TEST(Hash, HmacWithKeysUpToAndOverTheBlock) {
  const auto text = [](std::size_t key_size) {
    const auto data = as_bytes("what do ya want for nothing?");
    const auto whole = hmac(counting(key_size), data);
    EXPECT_TRUE(whole == hmac(counting(key_size), data.first(5), data.subspan(5)));
    return to_hex(whole.bytes());
  };
  EXPECT_EQ(text(64),
            "e33fddf8992f619b8fc74af98a787f16606b9a7f588bda065006ac8c7e6fd3f4"
            "5ff64fd7ea59c43847f32dd569d7db654d7b77715e7bf2d0fe7afa0f0ec75bc4");
  EXPECT_EQ(text(128),
            "a23f247c5af57f819850774dc67d6b1690225e444f738035a8a9a1ac663f47de"
            "be4db2941371f6095c614338d316cc29773d41c7af9e714e7b052676358d590b");
  EXPECT_EQ(text(200),
            "a40c306db2192b762947da7250adc891badc90355abe47a4d49f14d68dfae7b9"
            "230d489f31eaa48b22b14a3fb414e51ac19b53af1652d3956a459d722f11262e");
}

TEST(Hash, HkdfOfTwoAndThree) {
  const auto key = counting_secret<64>();
  const auto two = hkdf2(key, as_bytes("input"));
  const auto three = hkdf3(key, as_bytes("input"));
  EXPECT_EQ(to_hex(three.first.bytes()),
            "854ff4e7e6074bfe92f1a96cf706260641f9ba6fca788196587193a2664aed71"
            "dba5f8f8c078f3eedf196c3af46e417d0a8c8c43f79ead81c8714d03e501eded");
  EXPECT_EQ(to_hex(three.second.bytes()),
            "ce5595eb115a20218998812f1f84dad889b56b766edaad0fd39d8268762d3e9f"
            "56b6507ac77dc73ca13b4c2f0e4b704ef3c3c40d98920e63df5c70239610d8ab");
  EXPECT_EQ(to_hex(three.third.bytes()),
            "beb822d32dd50dffe84d52733d99602527506d06113800adb0420f3a909756ef"
            "18c4ce35880d93af067921ceeca8fe90a2a6f9dcd32d831d5b69467105193f19");
  EXPECT_TRUE(two.first == three.first);
  EXPECT_TRUE(two.second == three.second);
}

}  // namespace
}  // namespace sts::crypto
