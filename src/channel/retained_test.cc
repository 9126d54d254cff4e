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

TEST_F(RetainedMessage, WhatIsSealedAnewOutdatesByItsTime) {
  const auto say = [&](std::uint64_t time, std::string_view text) {
    const auto sealed = world.sender->seal(
        "t", {.payload = as_bytes(text), .time = time, .retained = true}, world.now);
    return Publication{"t", *sealed, true};
  };
  const auto first = say(1000, "first");
  say(1001, "second");
  for (const auto& one : world.begin_epoch()) world.publish(one);
  world.deliver(reader, first, true);
  EXPECT_EQ(reader.texts(), (Texts{"second"}));
  EXPECT_EQ(reader.count(NoticeKind::rolled_back), 1U);
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
