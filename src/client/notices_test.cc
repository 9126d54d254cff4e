#include "client/notices.h"

#include <gtest/gtest.h>

namespace sts::client {
namespace {

using namespace std::chrono_literals;
using enum protocol::NoticeKind;

constexpr Instant begin{1h};

Notices notices_of(Mode mode) {
  Config config;
  config.name = "to-pump";
  config.mode = mode;
  config.subtop = "in";
  config.pubtop = "out";
  config.peers = {FirstUse{}};
  return {config, {crypto::PublicKey()}};
}

class NoticesTest : public testing::Test {
 protected:
  Notices notices = notices_of(Mode::initiator);
};

std::optional<Line> say(Notices& notices, protocol::NoticeKind kind, Instant now,
                        const std::string& peer = "pump") {
  return notices.say({kind, crypto::PublicKey(), 3}, peer, now);
}

TEST_F(NoticesTest, EveryKindIsOneLine) {
  for (const auto kind : {malformed, unverified, untrusted, own_key, psk_mismatch, not_confirmed,
                          forged, repeated, same_role, silent, back, dropped, used_up}) {
    Notices fresh = notices_of(Mode::initiator);
    const auto line = say(fresh, kind, begin);
    ASSERT_TRUE(line) << static_cast<int>(kind);
    EXPECT_FALSE(line->text.empty()) << static_cast<int>(kind);
    EXPECT_EQ((line->text + line->hint).find('\n'), std::string::npos);
    EXPECT_FALSE(line->text.ends_with('.'));
    if (line->level == Level::error) {
      EXPECT_FALSE(line->hint.empty()) << line->text;
    }
  }
}

TEST_F(NoticesTest, NameWhatMatters) {
  EXPECT_NE(say(notices, untrusted, begin)->text.find("pump"), std::string::npos);
  EXPECT_NE(say(notices, malformed, begin)->text.find(" in"), std::string::npos);
  EXPECT_NE(say(notices, silent, begin)->text.find("3 messages"), std::string::npos);
  EXPECT_EQ(say(notices, same_role, begin)->hint, "set sts_mode = slave on one side");
  Notices at_slave = notices_of(Mode::responder);
  EXPECT_EQ(say(at_slave, same_role, begin)->hint, "set sts_mode = master on one side");
}

TEST_F(NoticesTest, WhatStrangersCauseIsSaidOnceInTenSecondsWithACount) {
  EXPECT_TRUE(say(notices, forged, begin));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(say(notices, forged, begin + i * 9ms));
  const auto again = say(notices, forged, begin + 10s);
  ASSERT_TRUE(again);
  EXPECT_NE(again->text.find("and 1000 times before"), std::string::npos);
  const auto third = say(notices, forged, begin + 20s);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->text.find("before"), std::string::npos) << "the count begins anew";
  EXPECT_FALSE(say(notices, forged, begin + 21s));
  EXPECT_NE(say(notices, forged, begin + 30s)->text.find("and 1 time before"), std::string::npos);
}

TEST_F(NoticesTest, AnotherNameDoesNotGetAroundIt) {
  EXPECT_TRUE(say(notices, untrusted, begin, "key-1"));
  EXPECT_FALSE(say(notices, untrusted, begin, "key-2"));
  EXPECT_TRUE(say(notices, psk_mismatch, begin, "key-2")) << "another kind is not held back";
}

TEST_F(NoticesTest, TheLastErrorSaysWhyThereIsNoSession) {
  EXPECT_NE(notices.no_session_hint().find("sts_mode = slave, subtop = out and pubtop = in"),
            std::string::npos);
  for (const auto kind : {untrusted, same_role, psk_mismatch}) {
    const auto line = say(notices, kind, begin);
    EXPECT_EQ(notices.no_session_hint(), line->hint);
  }
  say(notices, forged, begin);
  say(notices, untrusted, begin);
  EXPECT_NE(notices.no_session_hint().find("sts peer remove to-pump"), std::string::npos)
      << "also where the line was withheld";
}

TEST_F(NoticesTest, WhatOnlyThePeerCausesIsAlwaysSaid) {
  for (const auto kind : {silent, back, dropped, used_up}) {
    EXPECT_TRUE(say(notices, kind, begin));
    EXPECT_TRUE(say(notices, kind, begin));
  }
}

}  // namespace
}  // namespace sts::client
