// What a broker can do to a channel, and what the reader tells of it.
#include <gtest/gtest.h>

#include "channel/world_for_tests.h"
#include "crypto/hash.h"

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

TEST_F(HostileBroker, AKeyPacketShownAsRetainedHidesNothing) {
  for (const auto& packet : world.begin_epoch()) world.deliver(reader, packet, true);
  world.seal("t", "withheld");
  world.say("t", "x");
  EXPECT_EQ(reader.count(NoticeKind::missing), 1U);
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
  EXPECT_EQ(reader.count(NoticeKind::old_key), packets.size());
  world.publish(messages);
  EXPECT_EQ(reader.heard.size(), 2 * epochs_of_sender);
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

TEST_F(HostileBroker, ARolledBackRetainedMessageIsTold) {
  world.say("t", "shut", true);
  const auto old = world.retained["t"];
  world.say("t", "open", true);
  world.retained["t"] = old;
  world.subscribe(reader);
  EXPECT_EQ(reader.texts(), (Texts{"shut", "open"}));
  EXPECT_EQ(reader.count(NoticeKind::rolled_back), 1U);
}

TEST_F(HostileBroker, WhatIsRetainedComesOnce) {
  world.say("t", "shut", true);
  for (int i = 0; i < 3; ++i) world.subscribe(reader);
  EXPECT_EQ(reader.texts(), (Texts{"shut"}));
  EXPECT_TRUE(reader.notices.empty());
}

TEST_F(HostileBroker, WhatIsSealedAnewStandsForItsOriginal) {
  world.say("t", "0");
  const auto original = world.seal("t", "value", true);
  for (const auto& one : world.begin_epoch()) {
    world.publish(one);
    if (World::is_keys(one.topic)) continue;
    EXPECT_EQ(reader.texts(), (Texts{"0", "value"}));
    EXPECT_EQ(reader.count(NoticeKind::found), 1U);
  }
  EXPECT_EQ(reader.count(NoticeKind::missing), 1U);
  EXPECT_EQ(reader.counts("t").missing, 0U);
  world.publish(original);
  world.deliver(reader, original, true);
  EXPECT_EQ(reader.heard.size(), 2U);
}

TEST_F(HostileBroker, ARetainedMessageHoldsNothingElseBack) {
  world.say("t", "0");
  std::vector<Publication> queued;
  for (int i = 1; i < 3000; ++i) queued.push_back(world.seal("t", std::to_string(i)));
  world.retained["t"] = world.seal("t", "now", true).payload;
  world.subscribe(reader);
  world.publish(queued);
  EXPECT_EQ(reader.heard.size(), 3001U);
  EXPECT_EQ(reader.counts("t").missing, 0U);
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

TEST(Signed, NoReaderSpeaksAsTheSender) {
  for (const bool sign : {false, true}) {
    World world({.sign = sign});
    auto& honest = world.add_reader();
    auto& dishonest = world.add_reader();
    const auto packets = world.begin_epoch();
    world.publish(packets);
    world.say("t", "true");
    ASSERT_EQ(dishonest.texts(), (Texts{"true"}));

    const KnownKey known(dishonest, world.identity.public_key, packets[0].payload);
    Bytes forged = known.seal("t", 1, encode({.payload = as_bytes("a lie")}, Pad::none));
    const ByteView header = ByteView(forged).first(1 + 8 + 1);
    world.publish({"t", forged, false});
    const auto own = crypto::SigningKey::from_seed(
        crypto::kdf(dishonest.identity.private_key.bytes(), "STS 2 signing key", {}));
    append(forged, own.sign(signed_bytes("t", header, ByteView(forged).subspan(header.size()))));
    world.publish({"t", forged, false});

    if (sign) {
      EXPECT_EQ(honest.texts(), (Texts{"true"}));
      EXPECT_EQ(honest.count(NoticeKind::not_signed), 2U);
    } else {
      EXPECT_EQ(honest.texts(), (Texts{"true", "a lie"}));  // which is what signing is for
    }
  }
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

TEST_F(HostileBroker, AFlagHidesNoLoss) {
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

TEST_F(HostileBroker, OnceSignedAlwaysSigned) {
  world.say("t", "unsigned");
  Sender signing(world.identity, {.sign = true}, world.random);
  const auto begin = [&](Sender& sender) {
    ++world.number;
    const auto packets = *sender.begin_epoch(world.members, world.number, 0, world.now);
    for (const auto& [topic, payload] : packets) world.publish({topic, payload, true});
  };
  const auto held = world.seal("t", "under the unsigned key");
  begin(signing);
  world.publish({"t", *signing.seal("t", {.payload = as_bytes("signed")}, world.now), false});
  world.publish(held);
  begin(*world.sender);
  EXPECT_EQ(reader.count(NoticeKind::not_signed), 1U);
  world.say("t", "under another unsigned key");
  EXPECT_EQ(reader.texts(), (Texts{"unsigned", "signed"}));
}

TEST_F(HostileBroker, AnOlderOnlineDoesNotCount) {
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

TEST_F(HostileBroker, AWillOpensThoughTheSenderHasGoneOnToItsNextKey) {
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

TEST_F(HostileBroker, WillsOfUnknownConnectionsComeOnceEach) {
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

TEST_F(HostileBroker, AWillIsOfOneConnection) {
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
