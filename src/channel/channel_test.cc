// Senders and readers together: what readers open, and what they tell of the broker.
#include <gtest/gtest.h>

#include "channel/world_for_tests.h"

namespace sts::channel {
namespace {

using Texts = std::vector<std::string>;

struct Channel : testing::Test {
  Channel() { world.publish(world.begin_epoch()); }

  World world;
};

TEST(ChannelStart, AReaderOpensWhatItIsTold) {
  World world;
  auto& reader = world.add_reader();
  auto& stranger = world.add_reader(false);
  world.publish(world.begin_epoch());
  world.say("plant/7/temp", "21.5");
  world.say("plant/7/temp", "21.6");
  world.say("plant/8/temp", "3");
  EXPECT_EQ(reader.texts(), (Texts{"21.5", "21.6", "3"}));
  EXPECT_TRUE(reader.notices.empty());
  EXPECT_EQ(reader.heard[0].sender, world.identity.public_key);
  EXPECT_EQ(reader.heard[1].counter, 1U);
  EXPECT_EQ(reader.heard[2].counter, 0U);
  world.now += waiting_time;
  stranger.advance(world.now);
  EXPECT_TRUE(stranger.heard.empty());
  EXPECT_EQ(stranger.count(NoticeKind::undecryptable), 3U);
}

TEST(ChannelStart, AMessageCostsTwentyNineBytes) {
  World world;
  world.publish(world.begin_epoch());
  const std::string text(100, 'x');
  for (int i = 0; i < 16384; ++i) world.seal("t", text);  // from here on the counter has 3 bytes
  EXPECT_EQ(world.seal("t", text).payload.size(), 100U + 1 + 8 + 3 + 16 + 1);
}

TEST(ChannelStart, ContentTravelsInside) {
  World world;
  auto& reader = world.add_reader();
  world.publish(world.begin_epoch());
  const auto sealed = world.sender->seal("t",
                                         {.payload = as_bytes("{}"),
                                          .time = 1'700'000'000'000,
                                          .content_type = "application/json",
                                          .user_properties = {{"unit", "°C"}}},
                                         world.now);
  world.publish({"t", *sealed, false});
  ASSERT_EQ(reader.heard.size(), 1U);
  EXPECT_EQ(reader.heard[0].time, 1'700'000'000'000U);
  EXPECT_EQ(reader.heard[0].content_type, "application/json");
  EXPECT_EQ(reader.heard[0].user_properties,
            (std::vector<std::pair<std::string, std::string>>{{"unit", "°C"}}));
}

TEST(ChannelStart, PaddingHidesTheSize) {
  World world({.pad = Pad::to_16});
  auto& reader = world.add_reader();
  world.publish(world.begin_epoch());
  const auto shorter = world.seal("t", "1");
  const auto longer = world.seal("t", "12345678");
  EXPECT_EQ(shorter.payload.size(), longer.payload.size());
  world.publish(shorter);
  world.publish(longer);
  EXPECT_EQ(reader.texts(), (Texts{"1", "12345678"}));
}

TEST_F(Channel, MessagesWaitForTheirKeyAndComeInOrder) {
  auto& reader = world.add_reader();
  const auto keys = world.begin_epoch();
  for (const auto* text : {"1", "2", "3"}) world.publish(world.seal("t", text));
  EXPECT_TRUE(reader.heard.empty());
  world.publish(keys);
  EXPECT_EQ(reader.texts(), (Texts{"1", "2", "3"}));
  EXPECT_EQ(reader.reader->next_deadline(), never);
}

TEST_F(Channel, WaitingIsBounded) {
  auto& reader = world.add_reader();
  const auto keys = world.begin_epoch();
  for (std::size_t i = 0; i < waiting_messages + 5; ++i) world.publish(world.seal("t", "x"));
  EXPECT_EQ(reader.count(NoticeKind::undecryptable), 5U);
  world.now += waiting_time;
  reader.advance(world.now);
  EXPECT_EQ(reader.count(NoticeKind::undecryptable), waiting_messages + 5);
  world.publish(keys);
  EXPECT_TRUE(reader.heard.empty());
}

TEST_F(Channel, WhatNoLongerWaitsLeavesItsRoom) {
  auto& reader = world.add_reader();
  const std::string large(waiting_bytes / 4, 'x');
  for (std::size_t round = 1; round <= 2; ++round) {
    const auto keys = world.begin_epoch();
    for (int i = 0; i < 3; ++i) world.say("t", large);
    world.publish(keys);
    EXPECT_EQ(reader.heard.size(), 3 * round);
  }
  EXPECT_TRUE(reader.notices.empty());
}

TEST_F(Channel, AnAddedReaderOpensTheNextEpoch) {
  auto& first = world.add_reader();
  world.publish(world.begin_epoch());
  auto& second = world.add_reader();
  world.say("t", "before");
  world.publish(world.begin_epoch());
  world.say("t", "after");
  EXPECT_EQ(first.texts(), (Texts{"before", "after"}));
  EXPECT_EQ(second.texts(), (Texts{"after"}));
}

TEST_F(Channel, ARemovedReaderIsLockedOut) {
  auto& reader = world.add_reader();
  world.publish(world.begin_epoch());
  world.say("t", "before");
  world.remove_reader(reader);
  world.publish(world.begin_epoch());
  world.say("t", "after");
  EXPECT_EQ(reader.texts(), (Texts{"before"}));
}

TEST_F(Channel, ARetainedMessageIsSealedAnewForWhoeverIsAdded) {
  world.add_reader();
  world.publish(world.begin_epoch());
  world.say("t", "value", true);
  auto& late = world.add_reader();
  world.publish(world.begin_epoch());
  EXPECT_EQ(late.texts(), (Texts{"value"}));

  auto& fresh = world.add_reader();
  world.subscribe(fresh);
  EXPECT_TRUE(fresh.heard.empty());  // not of this epoch's readers
  world.publish(world.begin_epoch());
  fresh.restart();
  ASSERT_TRUE(fresh.reader->trust(world.identity.public_key, std::nullopt));
  fresh.heard.clear();
  world.subscribe(fresh);
  EXPECT_EQ(fresh.texts(), (Texts{"value"}));
  EXPECT_TRUE(fresh.heard[0].retained);
  EXPECT_EQ(world.retained.size(), 2U);  // the message and one key packet
}

TEST_F(Channel, KeysStayAsLongAsARetainedMessageNeedsThem) {
  world.members.push_back({test_identity(50).public_key});
  world.publish(world.begin_epoch());
  world.say("t", std::string(retained_bytes + 1, 'x'), true);  // too large to be kept
  world.publish(world.begin_epoch());
  world.publish(world.begin_epoch());
  EXPECT_EQ(world.retained.size(), 1U + 2U);
  auto& reader = world.add_reader();
  world.sender->forget_retained("t");
  world.publish({"t", {}, true});
  world.publish(world.begin_epoch());
  EXPECT_EQ(world.retained.size(), 1U);
  EXPECT_TRUE(reader.heard.empty());
}

TEST_F(Channel, ManyReadersSpanPackets) {
  for (std::size_t i = 0; i < 2 * wraps_in_packet; ++i) {
    world.members.push_back({test_identity(1000 + i % 8).public_key});
  }
  auto& last = world.add_reader();
  const auto packets = world.begin_epoch();
  EXPECT_EQ(packets.size(), 3U);
  for (const auto& packet : packets) EXPECT_LT(packet.payload.size(), 65536U);
  world.publish(packets);
  world.say("t", "to all");
  EXPECT_EQ(last.texts(), (Texts{"to all"}));
  EXPECT_EQ(world.retained.size(), 3U);
  world.members.clear();
  world.publish(world.begin_epoch());
  EXPECT_EQ(world.retained.size(), 0U);
}

TEST_F(Channel, UnderAPassingKeyNothingIsRetained) {
  World passing({.use = Use::passing});
  auto& reader = passing.add_reader();
  passing.publish(passing.begin_epoch());
  const auto refused =
      passing.sender->seal("t", {.payload = as_bytes("x"), .retained = true}, passing.now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::bad_input);
  passing.say("t", "y");
  EXPECT_EQ(reader.texts(), (Texts{"y"}));
}

TEST_F(Channel, APairPskGuardsTheWrap) {
  const crypto::Psk psk(crypto::Secret<32>(std::span(world.identity.public_key.bytes)));
  auto& reader = world.add_reader();
  world.members.back().psk = &psk;
  world.publish(world.begin_epoch());
  EXPECT_EQ(reader.count(NoticeKind::forged), 1U);
  ASSERT_TRUE(reader.reader->trust(world.identity.public_key, psk.clone()));
  world.subscribe(reader);
  world.say("t", "x");
  EXPECT_EQ(reader.texts(), (Texts{"x"}));
}

TEST_F(Channel, WhoMayNotWriteIsNotHeard) {
  auto& reader = world.add_reader();
  reader.forbidden = {"secret"};
  world.publish(world.begin_epoch());
  world.say("secret", "x");
  EXPECT_TRUE(reader.heard.empty());
  EXPECT_EQ(reader.count(NoticeKind::forbidden), 1U);
  ASSERT_TRUE(reader.reader->trust(world.identity.public_key, std::nullopt));
  reader.reader->distrust(world.identity.public_key);
  world.say("t", "y");
  EXPECT_TRUE(reader.heard.empty());
}

TEST_F(Channel, EpochsEndByCountAndTime) {
  EXPECT_FALSE(world.sender->epoch_due(world.now));
  EXPECT_TRUE(world.sender->epoch_due(world.now + rekey_after_time));
  EXPECT_TRUE(world.sender->seal("t", {.payload = as_bytes("x")}, world.now + rekey_after_time));
  const auto late =
      world.sender->seal("t", {.payload = as_bytes("x")}, world.now + reject_after_time);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::limit);

  World often({.rekey_after_messages = 3});
  EXPECT_TRUE(often.sender->epoch_due(often.now));
  EXPECT_FALSE(often.sender->seal("t", {.payload = as_bytes("x")}, often.now));
  often.publish(often.begin_epoch());
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(often.sender->epoch_due(often.now));
    often.say(std::to_string(i), "x");
  }
  EXPECT_TRUE(often.sender->epoch_due(often.now));
}

TEST_F(Channel, WhatNoReaderWouldTakeIsNotSealed) {
  auto& reader = world.add_reader();
  Content crowded{.payload = as_bytes("x"), .retained = true};
  crowded.user_properties.resize(user_properties + 1);
  for (const auto& content :
       {crowded, Content{.retained = true}, Content{.payload = ByteView(), .ping = true},
        Content{.payload = ByteView(), .resealed = Origin{{}, 1, 1}},
        Content{.payload = ByteView(), .content_type = "\xff"},
        Content{.payload = ByteView(), .user_properties = {{"a", "\xff"}}}}) {
    const auto sealed = world.sender->seal("t", content, world.now);
    ASSERT_FALSE(sealed);
    EXPECT_EQ(sealed.error().code, Errc::bad_input);
  }
  EXPECT_FALSE(world.sender->seal_will("t", ConnectionId{{1}}, {.ping = true}));
  world.publish(world.begin_epoch());
  world.say("t", "good");
  EXPECT_EQ(reader.texts(), (Texts{"good"}));
}

TEST_F(Channel, AReaderOfSmallOrderIsRefusedAndNothingChanges) {
  world.members.push_back({crypto::PublicKey{}});
  EXPECT_FALSE(world.sender->begin_epoch(world.members, 2, 0, world.now));
  world.members.clear();
  auto& reader = world.add_reader();
  world.publish(world.begin_epoch());
  world.say("t", "x");
  EXPECT_EQ(reader.texts(), (Texts{"x"}));
}

}  // namespace
}  // namespace sts::channel
