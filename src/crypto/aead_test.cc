#include "crypto/aead.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "crypto/random.h"
#include "vectors.h"

namespace sts::crypto {
namespace {

constexpr std::uint64_t counter = 0x0102030405060708;

Secret<32> drawn_key() {
  Secret<32> key;
  SeededRandom(1).fill(key.writable());
  return key;
}

Bytes bare_seal(ByteView key, ByteView nonce, ByteView ad, ByteView plaintext) {
  Bytes sealed(plaintext.size() + tag_size);
  crypto_aead_chacha20poly1305_ietf_encrypt(sealed.data(), nullptr, plaintext.data(),
                                            plaintext.size(), ad.data(), ad.size(), nullptr,
                                            nonce.data(), key.data());
  return sealed;
}

bool bare_open(ByteView key, ByteView nonce, ByteView ad, ByteView sealed, Bytes& out) {
  out.resize(sealed.size() - tag_size);
  return crypto_aead_chacha20poly1305_ietf_decrypt(out.data(), nullptr, nullptr, sealed.data(),
                                                   sealed.size(), ad.data(), ad.size(),
                                                   nonce.data(), key.data()) == 0;
}

TEST(Aead, HasTheNonceOfNoiseAndAppends) {
  const auto key = drawn_key();
  const auto ad = as_bytes("topic");
  const auto nonce = from_hex("000000000807060504030201").value();
  for (std::size_t size = 0; size <= 200; ++size) {
    const Bytes plaintext(size, 'x');
    Bytes sealed{1, 2, 3};
    aead_seal(key, counter, ad, plaintext, sealed);
    ASSERT_EQ(sealed.size(), 3 + size + tag_size);
    ASSERT_EQ(Bytes(sealed.begin(), sealed.begin() + 3), (Bytes{1, 2, 3}));
    ASSERT_EQ(Bytes(sealed.begin() + 3, sealed.end()),
              bare_seal(key.bytes(), nonce, ad, plaintext));

    Bytes opened{9};
    ASSERT_TRUE(aead_open(key, counter, ad, ByteView(sealed).subspan(3), opened));
    ASSERT_EQ(opened[0], 9);
    ASSERT_EQ(Bytes(opened.begin() + 1, opened.end()), plaintext);
  }
}

TEST(Aead, RefusesWhatIsNotAuthenticAndLeavesTheOutput) {
  const auto key = drawn_key();
  const auto ad = as_bytes("topic");
  Bytes sealed;
  aead_seal(key, counter, ad, as_bytes("hello"), sealed);
  const auto refused = [&](const Secret<32>& k, std::uint64_t n, ByteView a, ByteView text) {
    Bytes out{1, 2};
    return !aead_open(k, n, a, text, out) && out == Bytes{1, 2};
  };
  ASSERT_FALSE(refused(key, counter, ad, sealed));
  EXPECT_TRUE(refused(Secret<32>(), counter, ad, sealed));
  EXPECT_TRUE(refused(key, counter + 1, ad, sealed));
  EXPECT_TRUE(refused(key, counter, as_bytes("Topic"), sealed));
  EXPECT_TRUE(refused(key, counter, {}, sealed));
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_TRUE(refused(key, counter, ad, ByteView(sealed).first(size))) << size;
  }
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    auto forged = sealed;
    forged[bit / 8] = static_cast<std::uint8_t>(forged[bit / 8] ^ (1U << bit % 8));
    EXPECT_TRUE(refused(key, counter, ad, forged)) << bit;
  }
}

// Noise's nonce begins with four zero bytes, and few of the vectors have such a one. Those go
// through aead_seal and aead_open, the others show that the libsodium underneath is right. Other
// nonce sizes than 12 bytes can't even be asked for.
TEST(Aead, Wycheproof) {
  const auto* name = "wycheproof/chacha20_poly1305_test.json";
  const auto vectors = load_vectors(name);
  STS_SKIP_WITHOUT(vectors, name);
  int ours = 0, bare = 0, other_size = 0;
  for (const auto& group : vectors->at("testGroups")) {
    for (const auto& test : group.at("tests")) {
      SCOPED_TRACE(test.at("tcId").get<int>());
      const auto field = [&](const char* key) {
        return from_hex(test.at(key).get<std::string>()).value();
      };
      const auto nonce = field("iv"), ad = field("aad"), plaintext = field("msg");
      const bool valid = test.at("result") == "valid";
      if (nonce.size() != 12) {
        EXPECT_FALSE(valid);
        ++other_size;
        continue;
      }
      const auto key_bytes = field("key");
      auto sealed = field("ct");
      append(sealed, field("tag"));
      Bytes opened, sealed_again;
      bool authentic = false;
      if (to_hex(ByteView(nonce).first(4)) == "00000000") {
        ++ours;
        const Secret<32> key(std::span<const std::uint8_t, 32>{key_bytes});
        std::uint64_t n = 0;
        for (std::size_t i = 12; i-- > 4;) n = n << 8U | nonce[i];
        authentic = aead_open(key, n, ad, sealed, opened);
        aead_seal(key, n, ad, plaintext, sealed_again);
      } else {
        ++bare;
        authentic = bare_open(key_bytes, nonce, ad, sealed, opened);
        sealed_again = bare_seal(key_bytes, nonce, ad, plaintext);
      }
      EXPECT_EQ(authentic, valid);
      EXPECT_EQ(sealed_again == sealed, valid);
      EXPECT_TRUE(!valid || opened == plaintext);
    }
  }
  EXPECT_EQ(ours + bare + other_size, vectors->at("numberOfTests").get<int>());
  EXPECT_GT(ours, 0);
  std::cout << ours << " vectors through aead_seal and aead_open, " << bare
            << " through libsodium alone, " << other_size << " with a nonce of another size\n";
}

}  // namespace
}  // namespace sts::crypto
