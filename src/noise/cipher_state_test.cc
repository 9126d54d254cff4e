#include "noise/cipher_state.h"

#include <gtest/gtest.h>

namespace sts::noise {
namespace {

crypto::Secret<32> key() {
  std::array<std::uint8_t, 32> bytes{};
  bytes.fill(7);
  return crypto::Secret<32>(bytes);
}

TEST(CipherState, WithoutKeyPassesBytesInClear) {
  CipherState cipher;
  EXPECT_FALSE(cipher.has_key());
  EXPECT_EQ(cipher.encrypt_with_ad({}, as_bytes("clear")).value(), to_bytes(as_bytes("clear")));
  EXPECT_EQ(cipher.decrypt_with_ad({}, as_bytes("clear")).value(), to_bytes(as_bytes("clear")));
  EXPECT_EQ(cipher.nonce(), 0);
}

TEST(CipherState, CountsItsMessages) {
  CipherState sender(key()), receiver(key());
  const auto first = sender.encrypt_with_ad({}, as_bytes("same")).value();
  const auto second = sender.encrypt_with_ad({}, as_bytes("same")).value();
  EXPECT_NE(first, second);
  EXPECT_EQ(sender.nonce(), 2);
  EXPECT_EQ(receiver.decrypt_with_ad({}, first).value(), to_bytes(as_bytes("same")));
  EXPECT_EQ(receiver.decrypt_with_ad({}, second).value(), to_bytes(as_bytes("same")));
}

TEST(CipherState, ABadMessageLeavesTheNonce) {
  CipherState sender(key()), receiver(key());
  const auto sealed = sender.encrypt_with_ad(as_bytes("ad"), as_bytes("text")).value();
  EXPECT_EQ(receiver.decrypt_with_ad(as_bytes("ad"), ByteView(sealed).first(15)).error().code,
            Errc::malformed);
  EXPECT_EQ(receiver.decrypt_with_ad(as_bytes("ad"), ByteView(sealed).first(16)).error().code,
            Errc::refused);
  EXPECT_EQ(receiver.decrypt_with_ad(as_bytes("AD"), sealed).error().code, Errc::refused);
  EXPECT_EQ(receiver.nonce(), 0);
  EXPECT_TRUE(receiver.decrypt_with_ad(as_bytes("ad"), sealed));
}

TEST(CipherState, CloneGoesOnFromTheSameNonce) {
  CipherState sender(key());
  ASSERT_TRUE(sender.encrypt_with_ad({}, {}));
  auto clone = sender.clone();
  EXPECT_EQ(clone.encrypt_with_ad({}, as_bytes("a")).value(),
            sender.encrypt_with_ad({}, as_bytes("a")).value());
  EXPECT_FALSE(CipherState().clone().has_key());
}

TEST(CipherState, GivesItsKeyAwayOnlyUnused) {
  EXPECT_TRUE(CipherState(key()).take_key() == key());
  EXPECT_DEATH(CipherState().take_key(), "");
  CipherState used(key());
  ASSERT_TRUE(used.encrypt_with_ad({}, {}));
  EXPECT_DEATH(std::move(used).take_key(), "");
}

}  // namespace
}  // namespace sts::noise
