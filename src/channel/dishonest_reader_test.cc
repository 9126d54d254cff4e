// A reader of an unsigned epoch can speak as its sender. What it made up must not outlive the
// epoch.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "channel/limits.h"
#include "channel/world_for_tests.h"

namespace sts::channel {
namespace {

using Texts = std::vector<std::string>;

struct DishonestReader : testing::Test {
  DishonestReader() {
    const auto packets = begin_epoch();
    key.emplace(liar, world.identity.public_key, packets[0].payload);
    world.remove_reader(liar);
  }

  std::vector<Publication> begin_epoch() {
    auto packets = world.begin_epoch();
    world.publish(packets);
    return packets;
  }
  void make_up(const Content& content, std::string_view topic = "t", std::uint64_t counter = 0) {
    world.publish({std::string(topic), key->seal(topic, counter, encode(content, Pad::none)),
                   content.retained});
  }
  void say(std::uint64_t time, std::string_view text) {
    const auto sealed = world.sender->seal(
        "t", {.payload = as_bytes(text), .time = time, .retained = true}, world.now);
    world.publish({"t", *sealed, true});
  }

  World world;
  TestReader& reader = world.add_reader();
  TestReader& liar = world.add_reader();
  std::optional<KnownKey> key;
};

TEST_F(DishonestReader, ATimeFromTheFutureOutdatesNothing) {
  const std::uint64_t created = 1000 * world.number;
  constexpr std::uint64_t usable = std::chrono::milliseconds(std::chrono::hours(2)).count();
  make_up({.payload = as_bytes("made up"), .time = created + usable, .retained = true});
  world.restart_sender();
  begin_epoch();
  say(created + 1, "genuine");
  const Publication last{"t", world.retained["t"], true};
  world.deliver(reader, last, true);
  EXPECT_EQ(reader.count(NoticeKind::rolled_back), 0U);

  make_up({.payload = as_bytes("made up"), .time = created + usable - 1, .retained = true}, "t", 1);
  world.deliver(reader, last, true);
  EXPECT_EQ(reader.count(NoticeKind::rolled_back), 1U) << "an order that a sender may have told";
}

TEST_F(DishonestReader, AnOnlineEndsWithItsEpoch) {
  make_up({.online = ConnectionId{{9}}, .time = times_end - 1}, "t", reject_after_messages - 1);
  world.restart_sender();
  begin_epoch();
  const auto online = world.sender->seal("t", {.online = ConnectionId{{1}}}, world.now);
  world.publish({"t", *online});
  const auto will = world.sender->seal_will("t", ConnectionId{{1}}, {.payload = as_bytes("gone")});
  world.publish({"t", *will});
  EXPECT_EQ(reader.wills.size(), 1U);
}

TEST_F(DishonestReader, NoEpochTakesMoreTopicsThanCanBeKept) {
  for (std::size_t i = 0; i < topics_of_sender; ++i) {
    make_up({.payload = as_bytes("x")}, "made/up/" + std::to_string(i));
  }
  make_up({.payload = as_bytes("x")}, "made/up/0", 9);  // something is missing: the epoch stays
  const KnownKey later(reader, world.identity.public_key, begin_epoch()[0].payload);
  const auto content = encode({.payload = as_bytes("x")}, Pad::none);
  world.publish({"room", later.seal("room", 0, content), false});  // made by forgetting another
  const auto full = reader.count(NoticeKind::full);
  make_up({.payload = as_bytes("x")}, "room");
  EXPECT_EQ(reader.count(NoticeKind::full), full + 1);
  world.restart(reader);  // expects it to be restored
}

TEST_F(DishonestReader, WhatIsForgottenIsMissingNoMore) {
  const auto late = world.seal("t", "0");
  world.say("t", "1");
  EXPECT_EQ(reader.count(NoticeKind::missing), 1U);
  key.emplace(reader, world.identity.public_key, begin_epoch()[0].payload);
  for (std::size_t i = 0; i < topics_of_sender; ++i) {
    make_up({.payload = as_bytes("x")}, "made/up/" + std::to_string(i));
  }
  begin_epoch();
  world.say("t", "2");
  world.publish(late);
  EXPECT_EQ(reader.texts().back(), "0");
  EXPECT_EQ(reader.counts("t").missing, 0U);
}

struct ResealedByAReader : DishonestReader {
  ResealedByAReader() {
    genuine = begin_epoch()[0];
    world.say("t", "0");
    const auto header = decode_key_packet(genuine.payload)->header;
    origin = {header.stream, header.epoch, 0};
    first = std::move(world.sender);
    world.restart_sender();
    key.emplace(reader, world.identity.public_key, begin_epoch()[0].payload);
  }
  /// A message of the epoch before, as if it were sealed anew in this one.
  void reseal(std::uint64_t of, std::uint64_t counter) {
    origin.counter = of;
    make_up({.payload = as_bytes("made up"), .retained = true, .resealed = origin}, "t", counter);
  }

  /// What the first stream's sender seals, and the next epoch of that.
  Publication say_first(std::string_view text, bool retain) const {
    const auto sealed =
        first->seal("t", {.payload = as_bytes(text), .retained = retain}, world.now);
    return {"t", *sealed, retain};
  }
  std::vector<Publication> next_of_first() {
    ++world.number;
    std::vector<Publication> out;
    const auto packets =
        *first->begin_epoch(world.members, world.number, 1000 * world.number, world.now);
    for (const auto& [topic, payload] : packets) out.push_back({topic, payload, true});
    return out;
  }

  Publication genuine;
  Origin origin;
  std::unique_ptr<Sender> first;
};

TEST_F(ResealedByAReader, ItOutdatesNothingOfAnotherEpoch) {
  reseal(reject_after_messages - 1, 0);
  reader.heard.clear();
  world.deliver(reader, say_first("genuine", true), true);
  EXPECT_EQ(reader.texts(), (Texts{"genuine"}));
  for (const auto& one : next_of_first()) {
    world.deliver(reader, one, !World::is_keys(one.topic));
  }
  EXPECT_EQ(reader.texts(), (Texts{"genuine"})) << "once";
  EXPECT_EQ(reader.count(NoticeKind::rolled_back), 0U);
}

TEST_F(ResealedByAReader, NorWhereTheSenderHasGoneOnPastThat) {
  const auto late = say_first("genuine", true);
  say_first("lost", false);
  world.publish(say_first("live", false));
  reseal(2, 0);
  reader.heard.clear();
  world.deliver(reader, late, true);
  EXPECT_EQ(reader.texts(), (Texts{"genuine"}));
  EXPECT_EQ(reader.count(NoticeKind::rolled_back), 0U);
}

TEST_F(ResealedByAReader, NothingThatIsNotShownIsRetained) {
  make_up({.ping = true, .time = 1000 * world.number + 1, .retained = true});
  EXPECT_EQ(reader.count(NoticeKind::malformed), 1U);
}

TEST_F(ResealedByAReader, APlaceThatItClaimsIsStillTaken) {
  for (std::uint64_t i = 1; i <= 3; ++i) reseal(i, i);
  reader.heard.clear();
  world.publish(say_first("live", true));
  const auto missed = say_first("missed", true);
  world.deliver(reader, say_first("retained", true), true);
  world.publish(missed);
  EXPECT_EQ(reader.texts(), (Texts{"live", "retained", "missed"}));
  reader.heard.clear();
  for (const auto& one : next_of_first()) world.publish(one);
  EXPECT_TRUE(reader.heard.empty()) << "it came";
}

TEST_F(ResealedByAReader, WhatIsMissingStaysMissing) {
  const auto late = say_first("1", false);
  world.publish(say_first("2", false));
  EXPECT_EQ(reader.count(NoticeKind::missing), 1U);
  reseal(1, 0);
  EXPECT_EQ(reader.count(NoticeKind::found), 0U);
  reader.heard.clear();
  world.publish(late);
  EXPECT_EQ(reader.texts(), (Texts{"1"}));
  EXPECT_EQ(reader.counts("t").missing, 0U);
}

TEST_F(ResealedByAReader, WhatIsKnownCanBeKept) {
  reseal(std::uint64_t{1} << 40U, 0);
  EXPECT_EQ(reader.count(NoticeKind::malformed), 1U);
  reseal(reject_after_messages - 1, 1);
  EXPECT_EQ(reader.heard.size(), 2U);
  world.restart(reader);  // expects it to be restored
}

TEST_F(ResealedByAReader, AnEpochFilledUpCanBeKept) {
  for (std::size_t i = 0; i < topics_of_sender; ++i) {
    make_up({.payload = as_bytes("x")}, "made/up/" + std::to_string(i));
  }
  world.say("genuine", "1");  // for which it has no room
  begin_epoch();              // whose finals name it
  EXPECT_GT(reader.count(NoticeKind::full), 0U);
  world.restart(reader);
}

TEST_F(ResealedByAReader, ItSilencesNothingOfAnotherEpoch) {
  for (std::uint64_t i = 1; i <= 100; ++i) reseal(reject_after_messages - i, i);
  const auto heard = reader.heard.size();
  const KnownKey known(reader, world.identity.public_key, genuine.payload);
  const auto content = encode({.payload = as_bytes("genuine")}, Pad::none);
  world.publish({"t", known.seal("t", 1, content), false});
  EXPECT_EQ(reader.heard.size(), heard + 1);
}

TEST_F(DishonestReader, TopicsMakeRoomForThoseOfALaterEpoch) {
  world.say("t", "before");
  for (std::size_t i = 1; i < topics_of_sender; ++i) {
    make_up({.payload = as_bytes("x")}, "made/up/" + std::to_string(i));
  }
  EXPECT_EQ(reader.count(NoticeKind::full), 0U);
  make_up({.payload = as_bytes("x")}, "one/more");
  EXPECT_EQ(reader.count(NoticeKind::full), 1U);
  reader.heard.clear();
  (void)world.seal("t", "lost");  // for which the first epoch is kept
  begin_epoch();
  world.say("t", "known");
  world.say("u", "new");
  EXPECT_EQ(reader.texts(), (Texts{"known", "new"}));
  EXPECT_EQ(reader.count(NoticeKind::full), 2U) << "what was forgotten is told";
  EXPECT_EQ(reader.reader->report().size(), topics_of_sender);
  EXPECT_EQ(reader.counts("t").delivered, 2U) << "one in use isn't forgotten";
  const auto heard = reader.heard.size();
  make_up({.payload = as_bytes("x")}, "made/up/1", 1);
  EXPECT_EQ(reader.heard.size(), heard) << "forgotten, whose epoch goes on";
  EXPECT_EQ(reader.count(NoticeKind::full), 3U);
}

}  // namespace
}  // namespace sts::channel
