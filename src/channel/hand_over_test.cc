// A sender that goes on in another process, and retained messages that change hands.
#include <gtest/gtest.h>

#include "channel/world_for_tests.h"

namespace sts::channel {
namespace {

using Texts = std::vector<std::string>;

/// Stands for the one process after the other.
void next_process(World& world, Duration age) {
  world.sender = std::make_unique<Sender>(world.identity, SenderOptions{}, world.random,
                                          world.sender->save(), world.now, age);
}

TEST(HandOver, TheNextProcessGoesOnWithTheCounters) {
  World world;
  auto& reader = world.add_reader();
  world.publish(world.begin_epoch());
  for (const auto* text : {"1", "2", "3"}) {
    world.say("t", text);
    next_process(world, 0s);
  }
  EXPECT_EQ(reader.texts(), (Texts{"1", "2", "3"}));
  EXPECT_TRUE(reader.notices.empty());
  EXPECT_EQ(reader.heard[2].counter, 2U);
  EXPECT_EQ(reader.heard[2].epoch, 1U);

  world.publish(world.begin_epoch());
  world.say("t", "4");
  EXPECT_EQ(reader.texts().back(), "4");
  EXPECT_TRUE(reader.notices.empty());
}

TEST(HandOver, TheKeyGetsNoYounger) {
  World world;
  world.publish(world.begin_epoch());
  next_process(world, rekey_after_time - 1s);
  EXPECT_FALSE(world.sender->epoch_due(world.now));
  EXPECT_TRUE(world.sender->epoch_due(world.now + 1s));
  next_process(world, reject_after_time);
  EXPECT_FALSE(world.sender->seal("t", {.payload = as_bytes("x")}, world.now));
}

TEST(HandOver, RetainedMessagesOutliveTheProcess) {
  World world;
  world.publish(world.begin_epoch());
  world.say("t", "value", true);
  next_process(world, 0s);
  auto& added = world.add_reader();
  world.publish(world.begin_epoch());
  EXPECT_EQ(added.texts(), (Texts{"value"}));
  EXPECT_EQ(world.retained.size(), 2U);
}

TEST(HandOver, AnotherSenderAdoptsARetainedMessage) {
  World world;
  auto& old_reader = world.add_reader();
  world.publish(world.begin_epoch());
  world.say("t", "value", true);

  Sender other(world.identity, {}, world.random);
  auto& added = world.add_reader();
  ++world.number;
  auto packets = *other.begin_epoch(world.members, world.number, 0, world.now);
  for (const auto& [topic, kept] : world.sender->retained()) {
    packets.push_back(*other.adopt(topic, kept, world.now));
  }
  world.sender->forget_retained("t");
  for (auto& packet : world.sender->clear()) packets.push_back(std::move(packet));
  for (const auto& [topic, payload] : packets) world.publish({topic, payload, true});

  EXPECT_EQ(old_reader.texts(), (Texts{"value"}));  // once
  EXPECT_EQ(added.texts(), (Texts{"value"}));
  EXPECT_EQ(world.retained.size(), 2U);
  EXPECT_FALSE(world.sender->seal("t", {.payload = as_bytes("x")}, world.now));
}

}  // namespace
}  // namespace sts::channel
