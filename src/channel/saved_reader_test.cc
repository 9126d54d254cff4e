#include "channel/saved_reader.h"

#include <gtest/gtest.h>

#include "channel/world_for_tests.h"

namespace sts::channel {
namespace {

using Texts = std::vector<std::string>;

/// A reader whose process ends now and then.
struct SavedReader : testing::Test {
  SavedReader() { world.publish(world.begin_epoch()); }
  void restart() { world.restart(reader); }
  std::size_t live() const {
    return decode_memory(sender, world.save(reader), {world.now})->epochs.by_number().size();
  }

  World world;
  const crypto::PublicKey sender = world.identity.public_key;
  TestReader& reader = world.add_reader();
};

/// Something in each field.
crypto::WipedBytes example(World& world, TestReader& reader) {
  world.publish(world.begin_epoch());
  for (int i = 0; i < 6; ++i) {
    const auto one = world.seal(i % 2 == 0 ? "a" : "b", "x", i > 2);
    if (i != 3) world.publish(one);
    if (i == 5) world.publish(one);
  }
  const ConnectionId connection{{1, 2, 3}};
  world.publish({"a", *world.sender->seal("a", {.online = connection, .time = 7}, world.now)});
  world.publish({"a", *world.sender->seal_will("a", connection, {.payload = as_bytes("gone")})});
  world.begin_epoch();  // its packet is withheld
  world.seal("c", "x");
  world.publish(world.begin_epoch());
  world.say("a", "retained", true);
  world.subscribe(reader);
  world.say("b", "late");
  return world.save(reader);
}

TEST_F(SavedReader, ComesBackWhole) {
  const auto bytes = example(world, reader);
  const auto memory = decode_memory(sender, bytes, {world.now});
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->lost.size(), 1U);
  EXPECT_GE(memory->epochs.by_number().size(), 2U);
  EXPECT_TRUE(memory->topics.at("a").online);
  EXPECT_EQ(memory->topics.at("a").wills.size(), 1U);
  EXPECT_EQ(encode(sender, *memory, {world.now}), bytes);
  restart();
  EXPECT_EQ(reader.counts("a").delivered, 4U);
  EXPECT_EQ(reader.counts("b").missing, 2U);
  EXPECT_EQ(world.save(reader), bytes);
}

TEST_F(SavedReader, TheWholeOrNothing) {
  auto bytes = example(world, reader);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_memory(sender, ByteView(bytes).first(size), {world.now})) << size;
  }
  bytes.push_back(0);
  EXPECT_FALSE(decode_memory(sender, bytes, {world.now}));
}

TEST_F(SavedReader, WhateverIsReadIsSound) {
  const auto bytes = example(world, reader);
  const Moment at{world.now};
  std::size_t refused = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const int flip : {0x01, 0x02, 0x40, 0x80}) {
      auto changed = bytes;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ flip);
      const auto memory = decode_memory(sender, changed, at);
      refused += memory ? 0 : 1;
      if (!memory) continue;
      const auto again = encode(sender, *memory, at);
      const auto same = decode_memory(sender, again, at);
      ASSERT_TRUE(same) << i;
      EXPECT_EQ(encode(sender, *same, at), again) << i;
    }
  }
  EXPECT_GT(refused, bytes.size() / 4);
  EXPECT_FALSE(decode_memory(reader.identity.public_key, bytes, at));  // another sender's
}

TEST_F(SavedReader, RefusesRepeats) {
  std::vector<Publication> all;
  all.reserve(5);
  for (int i = 0; i < 5; ++i) all.push_back(world.seal("t", std::to_string(i)));
  world.publish(all[0]);
  world.publish(all[3]);
  restart();
  world.publish(all);
  world.publish(all);
  EXPECT_EQ(reader.texts(), (Texts{"0", "3", "1", "2", "4"}));
  EXPECT_EQ(reader.counts("t").repeated, 2U + 5U);
  EXPECT_EQ(reader.counts("t").missing, 0U);
}

TEST_F(SavedReader, RefusesRepeatsThroughoutTheWindow) {
  std::vector<Publication> all;
  all.reserve(5000);
  for (int i = 0; i < 5000; ++i) all.push_back(world.seal("t", "x"));
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % 3 != 0 && i % 97 != 1) world.publish(all[i]);
  }
  const auto heard = reader.heard.size();
  restart();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % 3 != 0 && i % 97 != 1) world.publish(all[i]);
  }
  EXPECT_EQ(reader.heard.size(), heard);
  const auto missing = reader.counts("t").missing;
  for (std::size_t i = all.size() - 2000; i < all.size(); ++i) world.publish(all[i]);
  EXPECT_EQ(reader.counts("t").missing, missing - (reader.heard.size() - heard));
  EXPECT_GT(reader.heard.size(), heard + 600);
}

TEST_F(SavedReader, MissesWhatWasSentMeanwhile) {
  world.say("t", "0");
  restart();
  world.seal("t", "withheld");
  world.say("t", "2");
  EXPECT_EQ(reader.count(NoticeKind::missing), 1U);
}

TEST_F(SavedReader, WhatWasNotSubscribedToIsNotMissing) {
  const auto next = world.begin_epoch();
  world.publish(next);
  world.say("t", "0");
  world.seal("u", "0");
  const auto saved = world.save(reader);
  for (const bool same : {true, false}) {
    reader.restart(sender, saved, {world.now});
    EXPECT_TRUE(reader.reader->restore(sender_id(sender), saved, {world.now}, same));
    reader.notices.clear();
    world.say("u", "1");
    EXPECT_EQ(reader.count(NoticeKind::missing), same ? 1U : 0U);
  }
  world.seal("t", "1");
  world.say("t", "2");
  EXPECT_EQ(reader.count(NoticeKind::missing), 1U);
}

TEST_F(SavedReader, OpensTheQueueOfSeveralEpochs) {
  world.say("t", "0");
  std::vector<Publication> queue{world.seal("t", "1")};
  for (int i = 2; i < 5; ++i) {
    if (i == 3) world.restart_sender();
    for (auto& one : world.begin_epoch()) queue.push_back(one);
    queue.push_back(world.seal("t", std::to_string(i)));
  }
  restart();
  world.publish(queue);
  EXPECT_EQ(reader.texts(), (Texts{"0", "1", "2", "3", "4"}));
  EXPECT_EQ(reader.counts("t").missing, 0U);
  EXPECT_EQ(reader.count(NoticeKind::old_key), 0U);
}

TEST_F(SavedReader, NoticesARollback) {
  const auto old = world.seal("t", "old", true);
  world.publish(old);
  world.say("t", "new", true);
  restart();
  world.subscribe(reader);  // seen, and not shown again
  EXPECT_EQ(reader.texts(), (Texts{"old", "new"}));
  EXPECT_TRUE(reader.notices.empty());
  world.deliver(reader, old, true);
  EXPECT_EQ(reader.count(NoticeKind::rolled_back), 1U);
}

TEST_F(SavedReader, TakesNoOldKey) {
  const auto first = world.begin_epoch();
  world.publish(first);
  world.publish(world.begin_epoch());
  restart();
  world.deliver(reader, first[0], true);
  EXPECT_EQ(reader.count(NoticeKind::old_key), 1U);
}

TEST_F(SavedReader, RemembersThatItsSenderSigns) {
  SenderOptions signs{.sign = true};
  World signing(signs);
  auto& other = signing.add_reader();
  signing.publish(signing.begin_epoch());
  signing.restart(other);
  signing.sender = std::make_unique<Sender>(signing.identity, SenderOptions{}, signing.random);
  signing.publish(signing.begin_epoch());
  EXPECT_EQ(other.count(NoticeKind::not_signed), 1U);
}

TEST_F(SavedReader, RemembersWills) {
  const ConnectionId connection{{1}};
  const Publication will{"t",
                         *world.sender->seal_will("t", connection, {.payload = as_bytes("gone")})};
  world.publish(will);
  restart();
  world.publish(will);
  EXPECT_EQ(reader.wills.size(), 1U);
}

TEST_F(SavedReader, TimeWithoutAProcessDropsNoKey) {
  world.say("t", "0");
  world.seal("t", "withheld");
  const auto late = world.seal("t", "2");
  world.publish(world.begin_epoch());
  world.now += 30min;
  const auto saved = world.save(reader);
  world.now += 10h;
  const auto again = [&](std::uint64_t time) {
    reader.restart(sender, saved, {world.now, time});
    reader.heard.clear();
  };
  for (const std::uint64_t time : {std::uint64_t{0}, std::uint64_t{36'000'000}, UINT64_MAX}) {
    again(time);
    world.deliver(reader, late, false);
    EXPECT_EQ(reader.texts(), Texts{"2"}) << time;
  }
  again(0);
  world.now = Instant{} + 5s;  // another start of the machine
  again(0);
  world.now += 29min;
  world.publish(world.begin_epoch());
  EXPECT_EQ(live(), 3U);
  world.now += 1min;
  world.publish(world.begin_epoch());
  EXPECT_EQ(live(), 1U);  // it lingered an hour
}

TEST_F(SavedReader, TellsWhoseSaveIsDue) {
  world.say("t", "0");
  ASSERT_EQ(reader.reader->unsaved(), std::vector{sender_id(sender)});
  reader.reader->saved();
  EXPECT_TRUE(reader.reader->unsaved().empty());
  world.say("t", "1");
  world.say("t", "2");
  EXPECT_EQ(reader.reader->unsaved().size(), 1U);
  reader.reader->distrust(sender);
  EXPECT_TRUE(reader.reader->unsaved().empty());
  reader.reader->saved();
}

}  // namespace
}  // namespace sts::channel
