#include "crypto/keys.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/hex.h"
#include "crypto/random.h"
#include "vectors.h"

namespace sts::crypto {
namespace {

PublicKey public_key(std::string_view hex) {
  PublicKey key;
  std::ranges::copy(from_hex(hex).value(), key.bytes.begin());
  return key;
}

PrivateKey private_key(std::string_view hex) {
  const auto bytes = from_hex(hex).value();
  PrivateKey key;
  std::ranges::copy(bytes, key.writable().begin());
  return key;
}

PublicKey counting_key() {
  PublicKey key;
  std::iota(key.bytes.begin(), key.bytes.end(), std::uint8_t{0});
  return key;
}

TEST(Keys, InitialiseMayBeRepeated) {
  initialise();
  initialise();
}

TEST(Keys, Rfc7748DiffieHellman) {
  const auto alice = KeyPair::from(
      private_key("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  const auto bob = KeyPair::from(
      private_key("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  EXPECT_EQ(to_hex(alice.public_key.view()),
            "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  EXPECT_EQ(to_hex(bob.public_key.view()),
            "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  const auto* shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  EXPECT_EQ(to_hex(dh(alice.private_key, bob.public_key).value().bytes()), shared);
  EXPECT_EQ(to_hex(dh(bob.private_key, alice.public_key).value().bytes()), shared);
}

TEST(Keys, GenerateDrawsThePrivateKeyFromTheRandomGiven) {
  SeededRandom random(1), same(1);
  const auto pair = KeyPair::generate(random);
  PrivateKey drawn;
  same.fill(drawn.writable());
  EXPECT_TRUE(pair.private_key == drawn);
  EXPECT_EQ(pair.public_key, KeyPair::from(std::move(drawn)).public_key);
  EXPECT_NE(pair.public_key, KeyPair::generate(random).public_key);
}

// Wycheproof leaves it open whether a library accepts a public key of small order, whose shared
// secret is zero. This one refuses it; it accepts keys on the twist and in non-canonical form, as
// RFC 7748 says.
TEST(Keys, Wycheproof) {
  const auto* name = "wycheproof/x25519_test.json";
  const auto vectors = load_vectors(name);
  STS_SKIP_WITHOUT(vectors, name);
  int agreed = 0, refused = 0;
  for (const auto& group : vectors->at("testGroups")) {
    for (const auto& test : group.at("tests")) {
      SCOPED_TRACE(test.at("tcId").get<int>());
      const auto field = [&](const char* key) { return test.at(key).get<std::string>(); };
      const auto shared = dh(private_key(field("private")), public_key(field("public")));
      if (field("shared") == std::string(64, '0')) {
        EXPECT_EQ(field("result"), "acceptable");
        ASSERT_FALSE(shared);
        EXPECT_EQ(shared.error().code, Errc::refused);
        EXPECT_FALSE(check_public_key(public_key(field("public"))));
        ++refused;
      } else {
        ASSERT_TRUE(shared);
        EXPECT_TRUE(check_public_key(public_key(field("public"))));
        EXPECT_EQ(to_hex(shared->bytes()), field("shared"));
        ++agreed;
      }
    }
  }
  EXPECT_EQ(agreed + refused, vectors->at("numberOfTests").get<int>());
  EXPECT_GT(refused, 0);
  std::cout << agreed << " shared secrets agreed, " << refused << " keys of small order refused\n";
}

// The u-coordinates of order 1, 2, 4 and 8, and 0 and 1 once more in non-canonical form.
TEST(Keys, PointsOfSmallOrderAreNobodysKey) {
  const std::string ones(60, 'f');
  for (const auto& point :
       {std::string(64, '0'), "01" + std::string(62, '0'),
        std::string("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        std::string("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        "ec" + ones + "7f", "ed" + ones + "7f", "ee" + ones + "7f"}) {
    const auto usable = check_public_key(public_key(point));
    ASSERT_FALSE(usable) << point;
    EXPECT_EQ(usable.error().code, Errc::bad_input);
    EXPECT_FALSE(usable.error().hint.empty());
  }
  SeededRandom random(1);
  EXPECT_TRUE(check_public_key(KeyPair::generate(random).public_key));
}

constexpr std::string_view counting_text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

TEST(Keys, TextRoundTrip) {
  EXPECT_EQ(to_text(counting_key()), counting_text);
  EXPECT_EQ(parse_public_key(counting_text).value(), counting_key());
  const auto secret = parse_secret_key(counting_text).value();
  EXPECT_EQ(to_hex(secret.bytes()), to_hex(counting_key().view()));
  EXPECT_EQ(to_text(secret), counting_text);
  EXPECT_EQ(to_text(Secret<32>()), std::string(43, 'A') + "=");
}

std::string refusal(std::string_view text) {
  const auto key = parse_public_key(text);
  if (key) return "accepted";
  EXPECT_EQ(key.error().code, Errc::bad_input);
  EXPECT_EQ(parse_secret_key(text).error().message, key.error().message);
  return key.error().message;
}

TEST(Keys, TextMustHave44Characters) {
  const std::string text(counting_text);
  EXPECT_EQ(refusal(text.substr(1)), "a key is 44 characters of base64, this has 43");
  EXPECT_EQ(refusal(text + "="), "a key is 44 characters of base64, this has 45");
  EXPECT_EQ(refusal(text + "\n"), "a key is 44 characters of base64, this has 45");
  EXPECT_EQ(refusal(""), "a key is 44 characters of base64, this has 0");
}

TEST(Keys, TextMustEndInOnePadding) {
  EXPECT_EQ(refusal(std::string(44, 'A')), "a key ends in one '=', this does not");
  EXPECT_EQ(refusal(std::string(42, 'A') + "=="),
            "a key is 44 characters of base64, number 43 of this is none");
  EXPECT_EQ(refusal("=" + std::string(42, 'A') + "="),
            "a key is 44 characters of base64, number 1 of this is none");
}

TEST(Keys, TextMustBeOfTheStandardAlphabet) {
  for (const char bad : {'-', '_', ' ', '\n', '\0', '\x7f', '\x80', '\xab', '\xff', '.'}) {
    for (const std::size_t at : {0U, 20U, 42U}) {
      std::string text(counting_text);
      text[at] = bad;
      EXPECT_EQ(refusal(text), "a key is 44 characters of base64, number " +
                                   std::to_string(at + 1) + " of this is none");
    }
  }
}

TEST(Keys, TextHasOneFormPerKey) {
  std::string text(counting_text);  // of the last digit, '8', the lower two bits are beyond the key
  int accepted = 0;
  for (const char digit : std::string_view("456789+/")) {
    text[42] = digit;
    const auto answer = refusal(text);
    if (answer == "accepted") {
      ++accepted;
    } else {
      EXPECT_EQ(answer, "the character before the '=' of this key ends no key of 32 bytes");
    }
  }
  EXPECT_EQ(accepted, 2);  // '4' and '8'
}

TEST(Keys, Fingerprint) {
  EXPECT_EQ(fingerprint(counting_key()), "cb2f-5160-fc1f-7e05-a55e-f49d-340b-48da");
  EXPECT_NE(fingerprint(counting_key()), fingerprint(PublicKey()));
}

}  // namespace
}  // namespace sts::crypto
