#include "crypto/random.h"

#include <gtest/gtest.h>

#include "base/hex.h"

namespace sts::crypto {
namespace {

Bytes drawn(Random& random, std::size_t size) {
  Bytes bytes(size);
  random.fill(bytes);
  return bytes;
}

TEST(SystemRandom, DoesNotRepeatItself) {
  SystemRandom random;
  EXPECT_NE(drawn(random, 32), drawn(random, 32));
  EXPECT_EQ(drawn(random, 0), Bytes());
}

TEST(SeededRandom, IsFixedByItsSeed) {
  SeededRandom a(1), b(1), c(2);
  const auto first = drawn(a, 32);
  EXPECT_EQ(first, drawn(b, 32));
  EXPECT_NE(first, drawn(c, 32));
  EXPECT_NE(first, drawn(a, 32));
  EXPECT_EQ(drawn(a, 0), Bytes());
}

TEST(SeededRandom, IsTheChaCha20KeyStream) {
  SeededRandom zero(0);  // RFC 8439, appendix A.1, vector 1: key, nonce and counter are all zero
  EXPECT_EQ(to_hex(drawn(zero, 64)),
            "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
            "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
}

}  // namespace
}  // namespace sts::crypto
