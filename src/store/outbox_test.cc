#include "store/outbox.h"

#include <gtest/gtest.h>

#include <set>

#include "crypto/random.h"
#include "store/test_home.h"

namespace sts::store {
namespace {

using Full = OutboxOptions::Full;

constexpr std::uint64_t now = 1'750'000'000'000;

struct OutboxTest : testing::Test {
  Outbox open(const OutboxOptions& options = {}) {
    crypto::SeededRandom seeded(1);
    auto state = State::open(home.home(), crypto::KeyPair::generate(seeded).private_key, random);
    EXPECT_TRUE(state) << state.error().message;
    return std::move(*Outbox::open(std::move(*state), options));
  }
  static Outbox::Message message(std::string_view text, const std::string& topic = "a") {
    return {topic, to_bytes(as_bytes(text))};
  }
  static std::size_t accept(Outbox& outbox, std::vector<Outbox::Message> messages,
                            std::uint64_t at = now) {
    const auto done = outbox.accept(messages, at);
    EXPECT_TRUE(done) << done.error().message;
    return done ? *done : 0;
  }
  static Outbox::Batch all(Outbox& outbox, std::uint64_t at = now) {
    auto batch = outbox.next(0, 1000, 1 << 20, at);
    EXPECT_TRUE(batch) << batch.error().message;
    return std::move(*batch);
  }
  static std::string texts(Outbox& outbox, std::uint64_t at = now) {
    std::string out;
    for (const auto& entry : all(outbox, at).entries) out += as_text(entry.message.content);
    return out;
  }

  TestHome home;
  crypto::SystemRandom random;
};

TEST_F(OutboxTest, KeepsWhatItAcceptedInOrder) {
  {
    auto outbox = open();
    EXPECT_EQ(accept(outbox, {message("1"), message("2", "b")}), 2U);
    EXPECT_EQ(accept(outbox, {message("3")}), 1U);
  }
  auto outbox = open();
  const auto batch = all(outbox);
  ASSERT_EQ(batch.entries.size(), 3U);
  EXPECT_EQ(texts(outbox), "123");
  EXPECT_EQ(batch.entries[1].message.destination, "b");
  EXPECT_EQ(batch.entries[0].number, 0U);
  EXPECT_EQ(batch.entries[1].number, 0U);  // of its own topic
  EXPECT_EQ(batch.entries[2].number, 1U);
  EXPECT_EQ(batch.entries[0].stream, batch.entries[2].stream);
  EXPECT_NE(batch.entries[0].stream, batch.entries[1].stream);
  EXPECT_EQ(batch.entries[2].accepted_ms, now);
  EXPECT_EQ(outbox.stats()->messages, 3U);
  EXPECT_EQ(outbox.stats()->bytes, 6U);
  EXPECT_EQ(outbox.stats()->oldest_ms, now);
}

TEST_F(OutboxTest, GivesOutInParts) {
  auto outbox = open();
  accept(outbox, {message("1"), message("2"), message("3")});
  auto batch = *outbox.next(0, 2, 1000, now);
  EXPECT_EQ(batch.entries.size(), 2U);
  batch = *outbox.next(batch.next, 2, 1000, now);
  ASSERT_EQ(batch.entries.size(), 1U);
  EXPECT_EQ(as_text(batch.entries[0].message.content), "3");
  EXPECT_EQ(outbox.next(0, 100, 1, now)->entries.size(), 1U);
}

TEST_F(OutboxTest, NumbersAreNeverUsedAgain) {
  auto outbox = open();
  std::set<std::pair<std::array<std::uint8_t, 8>, std::uint64_t>> seen;
  std::set<std::uint64_t> seqs;
  for (int i = 0; i < 3; ++i) {
    accept(outbox, {message("x"), message("y")});
    for (const auto& entry : all(outbox).entries) {
      EXPECT_TRUE(seen.emplace(entry.stream, entry.number).second);
      EXPECT_TRUE(seqs.insert(entry.seq).second);
      const std::array seqs_taken{entry.seq};
      EXPECT_TRUE(outbox.taken(seqs_taken));
    }
  }
  EXPECT_EQ(seen.size(), 6U);
  EXPECT_EQ(outbox.stats()->messages, 0U);
  EXPECT_EQ(outbox.stats()->bytes, 0U);
}

TEST_F(OutboxTest, ACopyNumbersInAnotherStream) {
  std::array<std::uint8_t, 8> before{};
  {
    auto outbox = open();
    accept(outbox, {message("1")});
    before = all(outbox).entries[0].stream;
  }
  const auto path = home.home().state_file();
  const auto copy = home.root() / "copy";
  std::filesystem::copy_file(path, copy);
  std::filesystem::rename(copy, path);
  auto outbox = open();
  accept(outbox, {message("2")});
  const auto batch = all(outbox);
  ASSERT_EQ(batch.entries.size(), 2U);
  EXPECT_EQ(batch.entries[0].stream, before);  // it may have been delivered under it
  EXPECT_NE(batch.entries[1].stream, before);
  EXPECT_EQ(batch.entries[1].number, 0U);
}

TEST_F(OutboxTest, AnotherAudienceGetsAnotherStream) {
  auto outbox = open();
  for (const auto* audience : {"a", "a", "b", "a"}) {
    auto one = message("x");
    one.audience = to_bytes(as_bytes(audience));
    accept(outbox, {one});
  }
  const auto entries = all(outbox).entries;
  ASSERT_EQ(entries.size(), 4U);
  EXPECT_EQ(entries[0].stream, entries[1].stream);
  EXPECT_EQ(entries[1].number, 1U);
  EXPECT_NE(entries[2].stream, entries[0].stream);
  EXPECT_NE(entries[3].stream, entries[0].stream) << "the second one saw its numbers meanwhile";
  EXPECT_NE(entries[3].stream, entries[2].stream);
}

TEST_F(OutboxTest, ALaneHoldsItsOwn) {
  auto outbox = open();
  auto one = message("1", "peer"), other = message("2", "other");
  one.apart = other.apart = true;
  accept(outbox, {one, message("3"), other, message("4", "b")});
  const auto in = [&](const Outbox::Lane& lane) {
    std::string out;
    const auto batch = *outbox.next(0, 100, 1 << 20, now, &lane);
    for (const auto& entry : batch.entries) {
      out += as_text(entry.message.content);
    }
    EXPECT_EQ(outbox.waiting(lane), out.size());
    EXPECT_EQ(outbox.waits(&lane), !out.empty());
    return out;
  };
  EXPECT_EQ(in("peer"), "1");
  EXPECT_EQ(in("other"), "2");
  EXPECT_EQ(in(""), "34");
  EXPECT_EQ(in("a"), "") << "it isn't apart";
  EXPECT_EQ(texts(outbox), "1324");
}

TEST_F(OutboxTest, WhatIsGoneAlreadyIsTakenInPeace) {
  auto outbox = open();
  accept(outbox, {message("1")});
  const std::array<std::uint64_t, 3> seqs{1, 1, 99};
  EXPECT_TRUE(outbox.taken(seqs));
  EXPECT_EQ(outbox.stats()->messages, 0U);
  EXPECT_EQ(outbox.waits(nullptr), false);
}

TEST_F(OutboxTest, Blocks) {
  auto outbox = open({.messages = 2});
  EXPECT_EQ(accept(outbox, {message("1"), message("2"), message("3")}), 2U);
  EXPECT_EQ(accept(outbox, {message("3")}), 0U);
  const std::array<std::uint64_t, 1> first{1};
  EXPECT_TRUE(outbox.taken(first));
  EXPECT_EQ(accept(outbox, {message("3")}), 1U);
  EXPECT_EQ(texts(outbox), "23");
}

TEST_F(OutboxTest, CountsBytes) {
  auto outbox = open({.bytes = 10});
  EXPECT_EQ(accept(outbox, {message("1234"), message("1234"), message("1")}), 2U);
  const auto refused = outbox.accept(std::array{message("1234567890")}, now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::limit);
}

TEST_F(OutboxTest, DropsTheOldest) {
  auto outbox = open({.messages = 2, .when_full = Full::drop_oldest});
  EXPECT_EQ(accept(outbox, {message("1"), message("2"), message("3"), message("4")}), 4U);
  EXPECT_EQ(texts(outbox), "34");
  EXPECT_EQ(outbox.stats()->dropped.full, 2U);
  EXPECT_EQ(outbox.take_dropped()->full, 2U);
  EXPECT_EQ(outbox.take_dropped()->full, 0U);
}

TEST_F(OutboxTest, DropsTheNew) {
  auto outbox = open({.messages = 2, .when_full = Full::drop_new});
  EXPECT_EQ(accept(outbox, {message("1"), message("2"), message("3")}), 3U);
  EXPECT_EQ(texts(outbox), "12");
  EXPECT_EQ(outbox.stats()->dropped.full, 1U);
}

TEST_F(OutboxTest, DropsWhatIsTooOld) {
  auto outbox = open({.age_ms = 1000});
  accept(outbox, {message("1")}, now);
  accept(outbox, {message("2")}, now - 99'999);  // a clock that went back
  accept(outbox, {message("3")}, now + 600);
  EXPECT_EQ(texts(outbox, now + 1000), "123");
  EXPECT_EQ(texts(outbox, now + 1500), "3");
  EXPECT_EQ(texts(outbox, 7), "3");
  EXPECT_EQ(outbox.stats()->dropped.old, 2U);
  EXPECT_EQ(outbox.stats()->messages, 1U);
}

TEST_F(OutboxTest, AClockThatWasNotSetMakesNothingOld) {
  auto outbox = open({.age_ms = 1000});
  accept(outbox, {message("1")}, 5);
  accept(outbox, {message("2")}, now);
  EXPECT_EQ(texts(outbox, now + 9999), "12");
  EXPECT_TRUE(outbox.taken(std::array<std::uint64_t, 1>{1}));
  EXPECT_EQ(texts(outbox, now + 9999), "");
}

TEST_F(OutboxTest, Purges) {
  auto outbox = open();
  accept(outbox, {message("1"), message("2")}, now);
  accept(outbox, {message("3")}, now + 10);
  EXPECT_EQ(outbox.purge(now + 5), 2U);
  EXPECT_EQ(texts(outbox), "3");
  EXPECT_EQ(outbox.purge(std::nullopt), 1U);
  EXPECT_EQ(outbox.stats()->messages, 0U);
}

TEST_F(OutboxTest, GivesTheDiskBack) {
  auto outbox = open();
  for (int i = 0; i < 10; ++i) accept(outbox, {message(std::string(1 << 20, 'x'))});
  EXPECT_EQ(outbox.purge(std::nullopt), 10U);
  auto database = Database::open(home.home().state_file());
  EXPECT_TRUE(database->run("PRAGMA wal_checkpoint(TRUNCATE)"));
  EXPECT_LT(std::filesystem::file_size(home.home().state_file()), 1U << 20U);
}

TEST_F(OutboxTest, KeepsSecretsSealed) {
  auto outbox = open();
  accept(outbox, {message("the payload", "the/topic")});
  for (const auto& file : std::filesystem::directory_iterator(home.home().directory())) {
    const auto bytes = TestHome::read(file.path());
    EXPECT_EQ(bytes.find("the payload"), std::string::npos) << file.path();
    EXPECT_EQ(bytes.find("the/topic"), std::string::npos) << file.path();
  }
}

TEST_F(OutboxTest, LeavesOutWhatItCannotRead) {
  auto outbox = open();
  accept(outbox, {message("1"), message("2")});
  auto database = Database::open(home.home().state_file());
  ASSERT_TRUE(database->run("UPDATE outbox SET sealed = zeroblob(80) WHERE seq = 1"));
  const auto batch = all(outbox);
  EXPECT_EQ(batch.unreadable, 1U);
  EXPECT_EQ(batch.entries.size(), 1U);
}

}  // namespace
}  // namespace sts::store
