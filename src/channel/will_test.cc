// Wills and ONLINE, and what a broker can do with them.
#include <gtest/gtest.h>

#include "channel/world_for_tests.h"

namespace sts::channel {
namespace {

struct ChannelWill : testing::Test {
  ChannelWill() { world.publish(world.begin_epoch()); }

  World world;
  TestReader& reader = world.add_reader();
};

TEST_F(ChannelWill, AnOlderOnlineDoesNotCount) {
  world.publish(world.begin_epoch());
  const auto online = [&](std::uint8_t connection) {
    return Publication{"t",
                       *world.sender->seal("t", {.online = ConnectionId{{connection}}}, world.now)};
  };
  const auto will = [&](std::uint8_t connection) {
    return Publication{"t", *world.sender->seal_will("t", ConnectionId{{connection}},
                                                     {.payload = as_bytes("gone")})};
  };
  const auto first = online(1);
  world.publish(online(2));
  world.publish(first);
  world.publish(will(1));
  EXPECT_TRUE(reader.wills.empty());
  for (int i = 0; i < 10; ++i) world.publish(will(2));
  EXPECT_EQ(reader.wills.size(), 1U);
}

TEST_F(ChannelWill, AWillOpensThoughTheSenderHasGoneOnToItsNextKey) {
  world.publish(world.begin_epoch());
  world.publish({"t", *world.sender->seal("t", {.online = ConnectionId{{1}}}, world.now)});
  const Publication will{
      "t", *world.sender->seal_will("t", ConnectionId{{1}}, {.payload = as_bytes("gone")})};
  world.publish(world.begin_epoch());  // with it all that came before is complete
  world.publish(will);
  EXPECT_EQ(reader.wills.size(), 1U);
  // Until it says that it has another connection.
  const Publication other{
      "t", *world.sender->seal_will("t", ConnectionId{{2}}, {.payload = as_bytes("gone")})};
  world.publish({"t", *world.sender->seal("t", {.online = ConnectionId{{3}}}, world.now)});
  world.publish(other);
  world.publish(world.begin_epoch());
  world.publish(will);
  EXPECT_EQ(reader.wills.size(), 1U);
}

TEST_F(ChannelWill, WillsOfUnknownConnectionsComeOnceEach) {
  const auto will = [&](std::uint8_t connection) {
    return Publication{"t", *world.sender->seal_will("t", ConnectionId{{connection}},
                                                     {.payload = as_bytes("gone")})};
  };
  for (int i = 0; i < 10; ++i) {
    world.publish(will(1));
    world.publish(will(2));
  }
  EXPECT_EQ(reader.wills.size(), 2U);
}

TEST_F(ChannelWill, AWillIsOfOneConnection) {
  const auto will = [&](std::uint8_t connection, std::string_view text) {
    const auto sealed =
        world.sender->seal_will("t", ConnectionId{{connection}}, {.payload = as_bytes(text)});
    return Publication{"t", *sealed, false};
  };
  const auto first = will(1, "gone");
  world.publish(first);
  world.publish(first);
  ASSERT_EQ(reader.wills.size(), 1U);
  EXPECT_EQ(as_text(reader.wills[0].payload), "gone");

  const auto second = will(2, "gone again");
  const auto third = will(3, "gone once more");
  const auto online = world.sender->seal("t", {.online = ConnectionId{{3}}}, world.now);
  world.publish({"t", *online, false});
  world.publish(second);  // of a connection before the present one
  world.publish(third);
  ASSERT_EQ(reader.wills.size(), 2U);
  EXPECT_EQ(as_text(reader.wills[1].payload), "gone once more");
  EXPECT_EQ(reader.counts("t").repeated, 2U);
  EXPECT_TRUE(reader.heard.empty());

  auto moved = will(4, "x");
  moved.topic = "u";
  world.publish(moved);
  EXPECT_EQ(reader.count(NoticeKind::forged), 1U);
}

}  // namespace
}  // namespace sts::channel
