#include "protocol/invite.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/hex.h"
#include "crypto/base64.h"
#include "crypto/hash.h"
#include "crypto/random.h"

namespace sts::protocol {
namespace {

class InviteTest : public testing::Test {
 protected:
  InviteTest() {
    crypto::initialise();
    crypto::SeededRandom random(1);
    random.fill(invite_.secret.writable());
    invite_.inviter = crypto::KeyPair::generate(random).public_key;
  }

  /// A token with a body of our own and the right check.
  static std::string forged(Bytes body) {
    const auto check = crypto::hash(as_bytes("STS 2 invite check"), body);
    append(body, ByteView(check).first(4));
    return crypto::to_base64url(body);
  }
  Bytes body() const {
    const auto bytes = *crypto::from_base64url(encode(invite_));
    return {bytes.begin(), bytes.end() - 4};
  }
  static std::string refusal(std::string_view token) {
    const auto invite = decode_invite(token);
    if (invite) return "none";
    EXPECT_EQ(invite.error().code, Errc::malformed);
    EXPECT_FALSE(invite.error().hint.empty());
    return invite.error().message;
  }

  Invite invite_{{}, {}, 1'700'000'000, 600, "mqtt://broker.example.org:1883"};
};

void expect_same(const Invite& a, const Invite& b) {
  EXPECT_TRUE(a.secret == b.secret);
  EXPECT_EQ(a.inviter, b.inviter);
  EXPECT_EQ(a.created, b.created);
  EXPECT_EQ(a.lifetime, b.lifetime);
  EXPECT_EQ(a.url, b.url);
}

TEST_F(InviteTest, ComesBackWhole) {
  for (const auto& url : {std::string(), invite_.url, "mqtts://" + std::string(242, 'h') + ":8883",
                          std::string("mqtt://[::1]:1"), std::string("mqtts://größe.example:1")}) {
    invite_.url = url;
    const auto token = encode(invite_);
    const auto back = decode_invite(token);
    ASSERT_TRUE(back) << back.error().message;
    expect_same(*back, invite_);
  }
  invite_.url.clear();
  EXPECT_EQ(encode(invite_).size(), 82U);
}

TEST_F(InviteTest, TheExampleOfTheSpecification) {
  std::ifstream file(STS_SOURCE_DIR "/tests/data/sts2-invite.json");
  const auto example = nlohmann::json::parse(file);
  const auto invite = decode_invite(example["token"].get<std::string>());
  ASSERT_TRUE(invite) << invite.error().message;
  EXPECT_EQ(to_hex(invite->secret.bytes()), example["secret"]);
  EXPECT_EQ(crypto::to_text(invite->inviter), example["inviter_public_key"]);
  EXPECT_EQ(invite->created, example["created"]);
  EXPECT_EQ(invite->lifetime, example["lifetime"]);
  EXPECT_EQ(invite->url, example["url"]);
  EXPECT_EQ(encode(*invite), example["token"]);
  EXPECT_EQ(invite_topics(*invite).joiner, example["joiner_topic"]);
  EXPECT_EQ(invite_topics(*invite).inviter, example["inviter_topic"]);
  EXPECT_EQ(crypto::to_text(invite_psk(*invite)), example["psk"]);
}

TEST_F(InviteTest, EachDamageIsFound) {
  const auto token = encode(invite_);
  for (std::size_t at = 0; at < token.size(); ++at) {
    auto other = token;
    other[at] = token[at] == 'x' ? 'y' : 'x';
    EXPECT_NE(refusal(other), "none") << at;
    std::string swapped = token;
    if (at > 0) std::swap(swapped[at - 1], swapped[at]);
    if (swapped != token) {
      EXPECT_NE(refusal(swapped), "none") << at;
    }
    EXPECT_NE(refusal(token.substr(0, at)), "none") << at;
    EXPECT_NE(refusal(token.substr(at + 1)), "none") << at;
    other = token;
    other[at] = '+';
    EXPECT_EQ(refusal(other), "this is no token, or one with a typing error");
  }
  EXPECT_EQ(refusal(token.substr(0, 40)), "this is no token, or only a part of one");
  EXPECT_NE(refusal(token + "A"), "none");
  EXPECT_NE(refusal(token + token), "none");
  auto typo = token;
  std::swap(typo[10], typo[11]);
  EXPECT_EQ(refusal(typo), "this token has a typing error");
}

TEST_F(InviteTest, WhatNoInviterSays) {
  constexpr std::size_t lifetime_at = 1 + 16 + 32 + 4;
  EXPECT_EQ(refusal(forged(body())), "none");
  auto other = body();
  other[0] = 2;
  EXPECT_EQ(refusal(forged(other)), "this token is of another version of STS");
  const auto with_lifetime = [&](std::string_view hex) {
    auto out = body();
    std::ranges::copy(*from_hex(hex), out.begin() + lifetime_at);
    return forged(out);
  };
  EXPECT_EQ(refusal(with_lifetime("00093a80")), "none") << "a week";
  for (const auto hex : {"00000000", "00093a81", "ffffffff"}) {
    EXPECT_EQ(refusal(with_lifetime(hex)), "this token says what no token does") << hex;
  }
  invite_.url.clear();
  const auto with_url = [&](std::string_view url) {
    auto out = body();
    append(out, as_bytes(url));
    return refusal(forged(out));
  };
  EXPECT_EQ(with_url("mqtt://h:1"), "none");
  for (const std::string url :
       {"unix:///run/broker", "h", "h:1883", "mqtt", "mqtt://", "mqtt://h", "mqtt://:1",
        "mqtt://h:", "mqtt://user@h:1", "mqtts://user:word@h:1", "mqtt://h:1/",
        "mqtt:///run/broker:1", "MQTT://h:1", "ws://h:1", "mqtt://a b:1", "mqtt://h\n:1",
        "mqtt://h\xff:1"}) {
    EXPECT_EQ(with_url(url), "this token says what no token does") << url;
  }
  EXPECT_EQ(with_url("mqtt://" + std::string(247, 'h') + ":1"),
            "this token says what no token does");
  EXPECT_EQ(refusal(forged({})), "this is no token, or only a part of one");
}

TEST_F(InviteTest, Time) {
  const std::int64_t created = invite_.created;
  const auto refused = [&](std::int64_t now) {
    const auto valid = check_time(invite_, now);
    return valid ? std::string() : valid.error().message;
  };
  for (const auto after : {-120, -1, 0, 599}) EXPECT_EQ(refused(created + after), "") << after;
  for (const auto after : {600, 601, 1 << 30}) {
    EXPECT_EQ(refused(created + after), "the token has expired") << after;
  }
  for (const auto now : {created - 121, std::int64_t{0}}) {
    EXPECT_TRUE(refused(now).starts_with("the token counts as expired")) << now;
  }
  invite_.created = 0xffffffff;
  EXPECT_EQ(refused(0xffffffff), "") << "no overflow";
}

TEST_F(InviteTest, AllOfItGoesIntoThePskAndOnlyTheSecretIntoTheTopics) {
  const auto psk = invite_psk(invite_);
  const auto topics = invite_topics(invite_);
  const auto changes = {+[](Invite& it) { it.inviter.bytes[0] ^= 1U; },
                        +[](Invite& it) { ++it.created; }, +[](Invite& it) { ++it.lifetime; },
                        +[](Invite& it) { it.url.clear(); }};
  const auto token = encode(invite_);
  for (const auto change : changes) {
    auto other = *decode_invite(token);
    change(other);
    EXPECT_FALSE(invite_psk(other) == psk);
    EXPECT_EQ(invite_topics(other).joiner, topics.joiner);
  }
  invite_.secret.writable()[15] ^= 1U;
  EXPECT_FALSE(invite_psk(invite_) == psk);
  EXPECT_NE(invite_topics(invite_).joiner, topics.joiner);
}

}  // namespace
}  // namespace sts::protocol
