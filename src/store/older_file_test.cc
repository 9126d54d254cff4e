// An older state.db under a newer log: SQLite lays one over the other, and no number of that goes
// on.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/random.h"
#include "store/outbox.h"
#include "store/test_home.h"

namespace sts::store {
namespace {

struct OlderFileTest : testing::Test {
  State open() {
    crypto::SeededRandom seeded(1);
    auto state = State::open(home.home(), crypto::KeyPair::generate(seeded).private_key, random);
    EXPECT_TRUE(state) << state.error().message;
    return std::move(*state);
  }
  Outbox outbox() {
    auto out = Outbox::open(open(), {});
    EXPECT_TRUE(out);
    return std::move(*out);
  }
  static void put(State& state, ByteView row, std::size_t size = 1) {
    auto change = state.begin();
    ASSERT_TRUE(change->put_sender(row, Bytes(size, 1)) && change->commit());
  }
  static void begin_epoch(State& state) {
    auto change = state.begin();
    ASSERT_TRUE(change->next_epoch(1) && change->commit());
  }
  static bool ours(State& state) {
    const auto senders = state.begin()->senders();
    return senders && !senders->empty() && senders->at(0).ours;
  }
  static void accept(Outbox& outbox, std::size_t count) {
    const std::vector<Outbox::Message> messages(count, {"topic", {1}});
    ASSERT_EQ(outbox.accept(messages, 1), count);
  }
  static Outbox::Batch all(Outbox& outbox) { return *outbox.next(0, 100, 10'000, 1); }

  /// In a process whose work ends with end(): it doesn't close the file, so that the log stays.
  template <typename Work>
  void killed(Work work) const {
    const pid_t child = ::fork();
    if (child == 0) work();
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(std::filesystem::exists(path.string() + "-wal"));
  }

  [[noreturn]] static void end() { ::_exit(testing::Test::HasFailure() ? 1 : 0); }

  TestHome home;
  crypto::SystemRandom random;
  const std::filesystem::path path = home.home().state_file();
  const Bytes name{1}, other{2};
};

TEST_F(OlderFileTest, IsAnotherPlaceUnderTheLogOfAProcessThatWasKilled) {
  const auto use = [&] {
    auto state = open();
    EXPECT_EQ(state.warning(), "");
    put(state, name);
  };
  use();
  const auto copy = TestHome::read(path);
  use();
  killed([&] {
    auto state = open();
    begin_epoch(state);  // leaves the senders' page out of the log
    end();
  });
  TestHome::write(path, copy);
  auto state = open();
  EXPECT_NE(state.warning().find("a copy"), std::string::npos) << state.warning();
  EXPECT_FALSE(ours(state));
  put(state, name);
  EXPECT_TRUE(ours(state));
  EXPECT_EQ(open().warning(), "") << "it is told once";
}

TEST_F(OlderFileTest, IsAnotherPlaceUnderAProcessThatRuns) {
  const auto use = [&] {
    auto state = open();
    put(state, name);
  };
  use();
  const auto copy = TestHome::read(path);
  use();
  auto running = open();
  begin_epoch(running);
  TestHome::write(path, copy);
  EXPECT_FALSE(ours(running));
  auto state = open();
  EXPECT_NE(state.warning(), "");
  EXPECT_FALSE(ours(state));
  EXPECT_FALSE(ours(running));
}

TEST_F(OlderFileTest, IsAnotherPlaceWhereTheLogIsInTheFileAlready) {
  {
    auto state = open();
    put(state, name);
  }
  const auto copy = TestHome::read(path);
  auto running = open();
  put(running, name);
  const auto written = std::filesystem::last_write_time(path);
  for (int i = 0; i < 1000 && std::filesystem::last_write_time(path) == written; ++i) {
    put(running, other, 100'000);
  }
  ASSERT_NE(std::filesystem::last_write_time(path), written);
  TestHome::write(path, copy);
  EXPECT_FALSE(ours(running));
}

TEST_F(OlderFileTest, AKilledProcessAloneIsNone) {
  for (int i = 0; i < 3; ++i) {
    killed([&] {
      auto state = open();
      EXPECT_EQ(state.warning(), "");
      put(state, name);
      begin_epoch(state);
      end();
    });
    auto state = open();
    EXPECT_EQ(state.warning(), "");
    EXPECT_TRUE(ours(state));
  }
}

TEST_F(OlderFileTest, GivesNoDurableNumberOutAgain) {
  {
    auto one = outbox();
    accept(one, 10);
  }
  const auto copy = TestHome::read(path);
  std::vector<std::uint64_t> seqs;
  auto stream = Outbox::Entry().stream;
  {
    auto one = outbox();
    accept(one, 10);
    for (const auto& entry : all(one).entries) {
      seqs.push_back(entry.seq);
      stream = entry.stream;
    }
  }
  killed([&] {
    auto one = outbox();
    EXPECT_TRUE(one.taken(seqs));  // leaves the numbers' page out of the log
    end();
  });
  TestHome::write(path, copy);
  auto one = outbox();
  accept(one, 1);
  EXPECT_NE(all(one).entries.back().stream, stream);
}

// Not only for the process that it was told to.
TEST_F(OlderFileTest, IsBehindUntilAnEpochWasFound) {
  {
    auto state = open();
    begin_epoch(state);
  }
  ASSERT_TRUE(Database::open(path)->run("UPDATE identity SET in_file = 1000"));
  EXPECT_NE(open().warning(), "");
  auto state = open();
  EXPECT_EQ(state.warning(), "");
  begin_epoch(state);
  auto change = state.begin();
  EXPECT_EQ(change->behind(), true);
  EXPECT_TRUE(change->found(50));
  EXPECT_EQ(change->behind(), false);
  EXPECT_EQ(change->next_epoch(1), 51U);
}

// What an earlier version made knows no count yet.
TEST_F(OlderFileTest, AStateOfBeforeIsTaken) {
  {
    auto state = open();
    put(state, name);
  }
  ASSERT_TRUE(
      Database::open(path)->run("ALTER TABLE identity DROP COLUMN in_file;"
                                "ALTER TABLE identity DROP COLUMN behind;"
                                "PRAGMA application_id = 0; PRAGMA user_version = 7"));
  auto state = open();
  EXPECT_EQ(state.warning(), "");
  EXPECT_TRUE(ours(state));
  put(state, name);
  EXPECT_EQ(open().warning(), "");
}

// The count has 32 bits.
TEST_F(OlderFileTest, TheCountBeginsAnew) {
  {
    auto state = open();
    put(state, name);
  }
  ASSERT_TRUE(
      Database::open(path)->run("UPDATE identity SET in_file = 4294967294;"
                                "PRAGMA application_id = -2"));
  for (int i = 0; i < 4; ++i) {
    auto state = open();
    EXPECT_EQ(state.warning(), "");
    EXPECT_TRUE(ours(state));
    put(state, name);
  }
}

}  // namespace
}  // namespace sts::store
