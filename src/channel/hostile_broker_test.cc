// What a broker can do to a channel, and what the reader tells of it.
#include <gtest/gtest.h>

#include "channel/world_for_tests.h"

namespace sts::channel {
namespace {

using Texts = std::vector<std::string>;

struct HostileBroker : testing::Test {
  HostileBroker() { world.publish(world.begin_epoch()); }

  World world;
  TestReader& reader = world.add_reader();
};

TEST_F(HostileBroker, AMessageComesOnce) {
  const auto message = world.seal("t", "open");
  for (int i = 0; i < 3; ++i) world.publish(message);
  EXPECT_EQ(reader.texts(), (Texts{"open"}));
  EXPECT_EQ(reader.counts("t").repeated, 2U);
}

TEST_F(HostileBroker, AMessageDoesNotOpenOnAnotherTopic) {
  auto message = world.seal("valve/1", "open");
  message.topic = "valve/2";
  world.publish(message);
  EXPECT_TRUE(reader.heard.empty());
  EXPECT_EQ(reader.count(NoticeKind::forged), 1U);
}

TEST_F(HostileBroker, NoBitCanBeChanged) {
  const auto message = world.seal("t", "open");
  for (std::size_t bit = 0; bit < message.payload.size() * 8; ++bit) {
    auto changed = message;
    changed.payload[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    world.publish(changed);
  }
  EXPECT_TRUE(reader.heard.empty());
  world.publish(message);  // and nothing of it has changed the reader
  EXPECT_EQ(reader.texts(), (Texts{"open"}));
}

TEST_F(HostileBroker, NoBitOfAKeyPacketCanBeChanged) {
  const auto packets = world.begin_epoch();
  ASSERT_EQ(packets.size(), 2U);  // and the removal of the last
  const auto mark = decode_key_packet(packets[0].payload)->mark;
  for (std::size_t bit = 0; bit < packets[0].payload.size() * 8; ++bit) {
    const auto* at = packets[0].payload.data() + bit / 8;
    if (at >= mark.data() && at < mark.data() + mark.size()) continue;  // it is the sender's alone
    auto changed = packets[0];
    changed.payload[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    world.deliver(reader, changed, true);
  }
  const auto message = world.seal("t", "x");
  world.publish(message);
  EXPECT_TRUE(reader.heard.empty());
  world.now += forged_packets_burst * forged_packets_interval;
  world.publish(packets);
  EXPECT_EQ(reader.texts(), (Texts{"x"}));
}

TEST_F(HostileBroker, WhatIsWithheldIsMissing) {
  world.publish(world.begin_epoch());
  world.say("t", "0");
  world.seal("t", "1");
  world.seal("t", "2");
  world.say("t", "3");
  EXPECT_EQ(reader.count(NoticeKind::missing), 2U);
  EXPECT_EQ(reader.counts("t").missing, 2U);
}

TEST_F(HostileBroker, TheFirstAndTheLastOfAnEpochAreMissedToo) {
  world.seal("t", "first");
  world.say("t", "second");
  world.seal("t", "last");
  world.seal("u", "only");
  EXPECT_EQ(reader.count(NoticeKind::missing), 1U);
  world.publish(world.begin_epoch());
  EXPECT_EQ(reader.count(NoticeKind::missing), 3U);
  EXPECT_EQ(reader.counts("u").missing, 1U);
}

TEST_F(HostileBroker, NothingIsMissedWhereNobodyIsSubscribed) {
  reader.not_subscribed = {"u"};
  world.seal("u", "x");
  world.publish(world.begin_epoch());
  EXPECT_TRUE(reader.notices.empty());
  world.begin_epoch();  // withheld
  world.seal("u", "x");
  world.seal("t", "x");
  world.publish(world.begin_epoch());
  EXPECT_EQ(reader.count(NoticeKind::key_missing), 1U);
  EXPECT_EQ(reader.count(NoticeKind::missing), 1U);
  EXPECT_EQ(reader.counts("u").missing, 0U);
}

TEST_F(HostileBroker, AWithheldEpochIsTold) {
  world.say("t", "1");
  const auto keys = world.begin_epoch();
  const auto messages = std::vector{world.seal("t", "2"), world.seal("t", "3")};
  world.publish(world.begin_epoch());
  EXPECT_EQ(reader.count(NoticeKind::key_missing), 1U);
  EXPECT_EQ(reader.count(NoticeKind::missing), 2U);
  // The broker thinks better of it.
  for (const auto& packet : keys) world.deliver(reader, packet, false);
  world.publish(messages);
  EXPECT_EQ(reader.texts(), (Texts{"1", "2", "3"}));
  EXPECT_EQ(reader.count(NoticeKind::found), 2U);
  EXPECT_EQ(reader.counts("t").missing, 0U);
}

TEST_F(HostileBroker, AnEpochWhoseStartIsKnownLastIsMissedToo) {
  world.restart_sender();
  const auto first = world.begin_epoch();
  const auto second = world.begin_epoch();
  world.seal("t", "lost");
  world.publish(world.begin_epoch());
  for (const auto& packet : second) world.deliver(reader, packet, true);
  EXPECT_EQ(reader.counts("t").missing, 0U) << "it may have been sent before";
  world.publish(first);
  EXPECT_EQ(reader.counts("t").missing, 1U);
}

TEST_F(HostileBroker, WhatComesLateIsFound) {
  world.say("t", "0");
  const auto held = world.seal("t", "1");
  world.say("t", "2");
  world.publish(world.begin_epoch());
  world.publish(held);
  EXPECT_EQ(reader.texts(), (Texts{"0", "2", "1"}));
  EXPECT_TRUE(reader.heard[2].late);
  const auto counts = reader.counts("t");
  EXPECT_EQ(counts.missing, 0U);
  EXPECT_EQ(counts.reordered, 1U);
  EXPECT_EQ(counts.late, 1U);
}

TEST_F(HostileBroker, AnOldEpochNeverComesBack) {
  const auto packets = world.begin_epoch();
  world.publish(packets);
  const auto message = world.seal("t", "open");
  world.publish(message);
  world.publish(world.begin_epoch());  // all of the last has come: it is forgotten
  world.publish(packets);
  world.publish(message);
  EXPECT_EQ(reader.texts(), (Texts{"open"}));
  EXPECT_EQ(reader.count(NoticeKind::old_key), 1U);
}

TEST_F(HostileBroker, AnOldEpochNeverComesBackAfterAnOlderOneEither) {
  world.seal("t", "never comes");
  const auto packets = world.begin_epoch();
  world.publish(packets);
  const auto message = world.seal("t", "open");
  world.publish(message);
  world.publish(world.begin_epoch());  // all of the last has come, but not of the one before
  world.seal("t", "never comes either");
  world.now += old_epoch_linger;
  world.publish(world.begin_epoch());
  world.publish(packets);
  world.publish(message);
  EXPECT_EQ(reader.texts(), (Texts{"open"}));
  EXPECT_EQ(reader.count(NoticeKind::old_key), 1U);
}

TEST_F(HostileBroker, AStreamThatEndedHoldsNoOtherBack) {
  world.restart_sender();
  std::vector<Publication> packets, messages;
  for (std::size_t i = 0; i < 2 * epochs_of_sender; ++i) {
    for (const auto& packet : world.begin_epoch()) {
      world.publish(packet);
      if (!packet.payload.empty()) packets.push_back(packet);
    }
    world.publish(messages.emplace_back(world.seal("t", std::to_string(i))));
  }
  EXPECT_EQ(reader.heard.size(), 2 * epochs_of_sender);
  EXPECT_TRUE(reader.notices.empty());
  packets.pop_back();  // that key is in use
  messages.pop_back();
  world.publish(packets);
  EXPECT_EQ(reader.count(NoticeKind::old_key), forged_packets_burst) << "what it costs is bounded";
  world.publish(messages);
  EXPECT_EQ(reader.heard.size(), 2 * epochs_of_sender);
}

TEST_F(HostileBroker, OldPacketsDontHoldTheNewestBack) {
  std::vector<Publication> old;  // as a device leaves them that crashes again and again
  for (std::size_t i = 0; i < 2 * epochs_of_sender; ++i) {
    world.restart_sender();
    for (const auto& packet : world.begin_epoch()) world.publish(old.emplace_back(packet));
  }
  world.restart_sender();
  const auto newest = world.begin_epoch();  // while the reader is away
  for (const auto& packet : old) world.deliver(reader, packet, true);
  for (const auto& packet : newest) world.deliver(reader, packet, true);
  EXPECT_EQ(reader.count(NoticeKind::old_key), forged_packets_burst);
  world.say("t", "x");
  EXPECT_EQ(reader.texts(), (Texts{"x"}));
}

TEST_F(HostileBroker, MoreStreamsThanAReaderFollowsAreTold) {
  const auto restart = [&] {
    world.restart_sender();
    const auto packets = world.begin_epoch();
    world.publish(packets);
    return packets[0];
  };
  const auto first = restart();
  for (std::size_t i = 0; i < epochs_of_sender; ++i) restart();
  EXPECT_EQ(reader.count(NoticeKind::full), 2U);  // for the first and for the fixture's
  world.publish(first);
  EXPECT_EQ(reader.count(NoticeKind::old_key), 1U);
  world.now += reject_after_time;  // nobody seals under those any more
  restart();
  EXPECT_EQ(reader.count(NoticeKind::full), 2U);
  world.say("t", "x");
  EXPECT_EQ(reader.texts(), (Texts{"x"}));
}

TEST_F(HostileBroker, AnIncompleteEpochIsForgottenInTheEnd) {
  world.seal("t", "never comes");
  world.publish(world.begin_epoch());
  world.now += old_epoch_linger;
  world.publish(world.begin_epoch());
  world.publish(world.begin_epoch());
  EXPECT_EQ(reader.counts("t").missing, 1U);
}

TEST_F(HostileBroker, OnlyWhatIsAuthenticIsARepeat) {
  auto message = world.seal("t", "x");
  world.publish(message);
  reader.reader->saved();
  message.payload.back() ^= 1;
  world.publish(message);
  EXPECT_EQ(reader.count(NoticeKind::forged), 1U);
  EXPECT_EQ(reader.count(NoticeKind::repeated), 0U);
  EXPECT_FALSE(reader.reader->has_unsaved());
  message.payload.back() ^= 1;
  world.publish(message);
  EXPECT_EQ(reader.count(NoticeKind::repeated), 1U);
}

TEST_F(HostileBroker, ATopicHasAnEnd) {
  const std::string longest(topic_size, 'x');
  world.say(longest, "x");
  EXPECT_EQ(reader.texts(), (Texts{"x"}));
  const auto more = longest + "x";
  const Content content{.payload = as_bytes("x")};
  const auto sealed = world.sender->seal(more, content, world.now);
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error().code, Errc::bad_input);
  EXPECT_FALSE(world.sender->seal_will(more, {}, content));
  world.publish({more, world.seal("t", "x").payload, false});
  EXPECT_EQ(reader.count(NoticeKind::malformed), 1U);
}

TEST_F(HostileBroker, GarbageIsGarbage) {
  world.publish({"t", {}, false});
  world.publish({"t", {0x11}, false});
  world.publish({"t", Bytes(500, 0xff), false});
  world.publish({key_topic(default_key_prefix, sender_id(world.identity.public_key), {}, 0),
                 Bytes(500, 0x10), false});
  EXPECT_EQ(reader.count(NoticeKind::malformed), 4U);
}

TEST_F(HostileBroker, AFloodOfForgedPacketsCostsLittle) {
  world.members.push_back({test_identity(50).public_key});
  auto packets = world.begin_epoch();
  packets[0].payload.back() ^= 1;
  reader.notices.clear();
  for (int i = 0; i < 1000; ++i) world.deliver(reader, packets[0], false);
  // The reader's wrap comes first and is whole: it is the same key again and again.
  EXPECT_EQ(reader.count(NoticeKind::forged), 0U);
  const auto next = world.begin_epoch();
  auto damaged = next[0];
  damaged.payload[damaged.payload.size() - 84 - 1] ^= 1;
  for (int i = 0; i < 1000; ++i) world.deliver(reader, damaged, false);
  EXPECT_EQ(reader.count(NoticeKind::forged), static_cast<std::uint64_t>(forged_packets_burst));
}

TEST_F(HostileBroker, AKnownPacketIsKnownByItsHeader) {
  const auto packets = world.begin_epoch();
  world.publish(packets);
  auto damaged = packets[0];
  damaged.payload[damaged.payload.size() - 1] ^= 1;  // of the wrap, which isn't looked at
  for (int i = 0; i <= 2 * forged_packets_burst; ++i) world.deliver(reader, damaged, false);
  EXPECT_TRUE(reader.notices.empty());
}

TEST_F(HostileBroker, WhatNoSenderSealsIsNotTaken) {
  const auto packets = world.begin_epoch();
  world.publish(packets);
  const KnownKey known(reader, world.identity.public_key, packets[0].payload);
  const auto content = encode({.payload = as_bytes("x")}, Pad::none);
  world.publish({"t", known.seal("t", reject_after_messages, content), false});
  EXPECT_EQ(reader.count(NoticeKind::full), 1U);
  const Content resealed{
      .payload = as_bytes("x"), .retained = true, .resealed = Origin{{}, world.number, 5}};
  for (const auto& plaintext : {encode(resealed, Pad::none), Bytes{0xFF}}) {
    world.publish({"t", known.seal("t", 0, plaintext), false});
  }
  EXPECT_EQ(reader.count(NoticeKind::malformed), 2U);
  EXPECT_TRUE(reader.heard.empty());
  world.publish({"t", known.seal("t", reject_after_messages - 1, content), false});
  EXPECT_EQ(reader.texts(), (Texts{"x"}));
}

}  // namespace
}  // namespace sts::channel
