// What the broker keeps: rolled back, sent again, sealed anew.
#include <gtest/gtest.h>

#include "channel/world_for_tests.h"

namespace sts::channel {
namespace {

using Texts = std::vector<std::string>;

struct RetainedMessage : testing::Test {
  RetainedMessage() { world.publish(world.begin_epoch()); }

  World world;
  TestReader& reader = world.add_reader();
};

TEST_F(RetainedMessage, ARolledBackRetainedMessageIsTold) {
  world.say("t", "shut", true);
  const auto old = world.retained["t"];
  world.say("t", "open", true);
  world.retained["t"] = old;
  world.subscribe(reader);
  EXPECT_EQ(reader.texts(), (Texts{"shut", "open"}));
  EXPECT_EQ(reader.count(NoticeKind::rolled_back), 1U);
}

TEST_F(RetainedMessage, WhatIsRetainedComesOnce) {
  world.say("t", "shut", true);
  for (int i = 0; i < 3; ++i) world.subscribe(reader);
  EXPECT_EQ(reader.texts(), (Texts{"shut"}));
  EXPECT_TRUE(reader.notices.empty());
}

TEST_F(RetainedMessage, WhatIsSealedAnewStandsForItsOriginal) {
  world.say("t", "0");
  const auto original = world.seal("t", "value", true);
  for (const auto& one : world.begin_epoch()) {
    world.publish(one);
    if (World::is_keys(one.topic)) continue;
    EXPECT_EQ(reader.texts(), (Texts{"0", "value"}));
  }
  EXPECT_EQ(reader.counts("t").missing, 1U) << "readers of this epoch alone say that it came";
  world.publish(original);
  world.deliver(reader, original, true);
  EXPECT_EQ(reader.heard.size(), 2U);
  EXPECT_EQ(reader.counts("t").missing, 0U);
}

/// The reader meets the later of two retained messages only sealed anew, then the earlier one.
struct SealedAnew : testing::TestWithParam<bool> {
  using Time = std::optional<std::uint64_t>;

  SealedAnew() { world.publish(world.begin_epoch()); }
  Publication say(Sender& sender, std::string_view text, Time time) {
    const auto sealed =
        sender.seal("t", {.payload = as_bytes(text), .time = time, .retained = true}, world.now);
    return {"t", *sealed, true};
  }
  void expect_rolled_back(Time first, Time second, bool yes) {
    const auto old = say(*world.sender, "first", first);
    say(*world.sender, "second", second);
    for (const auto& one : world.begin_epoch()) world.publish(one);
    world.deliver(reader, old, true);
    EXPECT_EQ(reader.texts(), yes ? Texts{"second"} : (Texts{"second", "first"}));
    EXPECT_EQ(reader.count(NoticeKind::rolled_back), yes ? 1U : 0U);
  }

  World world{{.sign = GetParam()}};
  TestReader& reader = world.add_reader();
};

TEST_P(SealedAnew, OutdatesByItsTime) { expect_rolled_back(1000, 1001, true); }
TEST_P(SealedAnew, OutdatesInTheSameMillisecond) { expect_rolled_back(1000, 1000, true); }
TEST_P(SealedAnew, OutdatesWithoutATimeWhereItIsSigned) { expect_rolled_back({}, {}, GetParam()); }

TEST_P(SealedAnew, OutdatesNoLongerThanTheNextOfItsStream) {
  say(*world.sender, "1", 1100);
  for (const auto& one : world.begin_epoch()) world.publish(one);
  world.publish(say(*world.sender, "2", 1040));  // its clock was set back
  world.restart(reader);
  auto first = std::move(world.sender);
  world.restart_sender();
  world.publish(world.begin_epoch());
  world.deliver(reader, say(*world.sender, "3", 1060), true);
  EXPECT_EQ(reader.texts(), (Texts{"1", "2", "3"}));
}

INSTANTIATE_TEST_SUITE_P(Signed, SealedAnew, testing::Bool());

TEST_F(RetainedMessage, OneThatIsTooLargeToBeSealedAnewOpensForWhoComesLater) {
  for (const bool in_order : {true, false}) {
    World other;
    auto& late = other.add_reader();
    const auto keys = other.begin_epoch();
    const std::string large(retained_bytes / 2 - 1000, 'x');
    for (const auto* topic : {"a", "b"}) other.seal(topic, large, true);
    const auto last = other.seal("t", large, true);
    other.seal("u", "x");
    const auto next = other.begin_epoch();
    if (in_order) other.deliver(late, keys[0], true);
    other.deliver(late, next[0], true);
    if (!in_order) other.deliver(late, keys[0], true);
    other.deliver(late, last, true);
    EXPECT_EQ(late.heard.size(), 1U) << in_order;
  }
}

TEST_F(RetainedMessage, ARetainedMessageHoldsNothingElseBack) {
  world.say("t", "0");
  std::vector<Publication> queued;
  for (int i = 1; i < 3000; ++i) queued.push_back(world.seal("t", std::to_string(i)));
  world.retained["t"] = world.seal("t", "now", true).payload;
  world.subscribe(reader);
  world.publish(queued);
  EXPECT_EQ(reader.heard.size(), 3001U);
  EXPECT_EQ(reader.counts("t").missing, 0U);
}

TEST_F(RetainedMessage, AKeyPacketShownAsRetainedHidesNothing) {
  for (const auto& packet : world.begin_epoch()) world.deliver(reader, packet, true);
  world.seal("t", "withheld");
  world.say("t", "x");
  EXPECT_EQ(reader.count(NoticeKind::missing), 1U);
}

TEST_F(RetainedMessage, AFlagHidesNoLoss) {
  world.publish(world.begin_epoch());
  world.say("t", "0");
  world.seal("t", "1");
  world.deliver(reader, world.seal("t", "2"), true);
  EXPECT_EQ(reader.counts("t").missing, 1U);
  EXPECT_FALSE(reader.heard.back().retained);  // the sender knows better
  world.deliver(reader, world.seal("t", "3"), true);
  const auto again = world.seal("t", "4");
  world.publish(again);
  world.deliver(reader, again, true);
  EXPECT_EQ(reader.texts(), (Texts{"0", "2", "3", "4"}));
  EXPECT_EQ(reader.counts("t").repeated, 1U);
}

}  // namespace
}  // namespace sts::channel
