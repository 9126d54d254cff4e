#include "client/notices.h"

#include <gtest/gtest.h>

namespace sts::client {
namespace {

using namespace std::chrono_literals;
using enum protocol::NoticeKind;

constexpr Instant begin{1h};

std::optional<Line> say(Notices& notices, protocol::NoticeKind kind, Instant now,
                        const std::string& peer = "pump") {
  return notices.say({kind, {}, 3}, peer, "in", Mode::initiator, now);
}

TEST(Notices, EveryKindIsOneLine) {
  for (const auto kind : {malformed, unverified, untrusted, own_key, psk_mismatch, not_confirmed,
                          forged, repeated, same_role, silent, back, dropped, used_up}) {
    Notices notices;
    const auto line = say(notices, kind, begin);
    ASSERT_TRUE(line) << static_cast<int>(kind);
    EXPECT_FALSE(line->text.empty()) << static_cast<int>(kind);
    EXPECT_EQ(line->text.find('\n'), std::string::npos);
    EXPECT_FALSE(line->text.ends_with('.'));
  }
}

TEST(Notices, NameWhatMatters) {
  Notices notices;
  EXPECT_NE(say(notices, untrusted, begin)->text.find("pump"), std::string::npos);
  EXPECT_NE(say(notices, malformed, begin)->text.find(" in"), std::string::npos);
  EXPECT_NE(say(notices, silent, begin)->text.find("3 messages"), std::string::npos);
  EXPECT_NE(say(notices, same_role, begin)->text.find("sts_mode = slave"), std::string::npos);
  Notices at_slave;
  const auto line = at_slave.say({same_role}, "x", "in", Mode::responder, begin);
  EXPECT_NE(line->text.find("sts_mode = master"), std::string::npos);
}

TEST(Notices, WhatStrangersCauseIsSaidOnceInTenSecondsWithACount) {
  Notices notices;
  EXPECT_TRUE(say(notices, forged, begin));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(say(notices, forged, begin + i * 9ms));
  const auto again = say(notices, forged, begin + 10s);
  ASSERT_TRUE(again);
  EXPECT_NE(again->text.find("1000 times"), std::string::npos);
  const auto third = say(notices, forged, begin + 20s);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->text.find("times"), std::string::npos) << "the count begins anew";
}

TEST(Notices, AnotherNameDoesNotGetAroundIt) {
  Notices notices;
  EXPECT_TRUE(say(notices, untrusted, begin, "key-1"));
  EXPECT_FALSE(say(notices, untrusted, begin, "key-2"));
  EXPECT_TRUE(say(notices, psk_mismatch, begin, "key-2")) << "another kind is not held back";
}

TEST(Notices, WhatOnlyThePeerCausesIsAlwaysSaid) {
  Notices notices;
  for (const auto kind : {silent, back, dropped, used_up}) {
    EXPECT_TRUE(say(notices, kind, begin));
    EXPECT_TRUE(say(notices, kind, begin));
  }
}

}  // namespace
}  // namespace sts::client
