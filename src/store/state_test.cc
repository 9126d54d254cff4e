#include "store/state.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <thread>

#include "crypto/random.h"
#include "store/reader_lock.h"
#include "store/test_home.h"

namespace sts::store {
namespace {

struct StateTest : testing::Test {
  State open(std::uint64_t identity = 1) {
    crypto::SeededRandom seeded(identity);
    auto state = State::open(home.home(), crypto::KeyPair::generate(seeded).private_key, random);
    EXPECT_TRUE(state) << state.error().message;
    return std::move(*state);
  }
  static std::uint64_t next(State& state, std::uint64_t at_least = 0) {
    auto change = state.begin();
    const auto number = change->next_epoch(at_least);
    EXPECT_TRUE(number && change->commit());
    return *number;
  }

  /// The names of the extended attributes of its file.
  std::string marks() const {
    std::string out(4096, '\0');
    const auto size = ::llistxattr(home.home().state_file().c_str(), out.data(), out.size());
    out.resize(static_cast<std::size_t>(std::max<ssize_t>(0, size)));
    return out;
  }

  TestHome home;
  crypto::SystemRandom random;
  const Bytes name{1, 2, 3};
};

TEST_F(StateTest, NumbersOnlyGrow) {
  auto state = open();
  EXPECT_EQ(next(state), 1U);
  EXPECT_EQ(next(state, 1000), 1000U);
  EXPECT_EQ(next(state, 5), 1001U);  // a clock that went back
  auto again = open();
  EXPECT_EQ(next(again), 1002U);
}

TEST_F(StateTest, IsBehindUntilItGaveANumber) {
  auto state = open();
  EXPECT_EQ(state.begin()->behind(), true);
  next(state);
  EXPECT_EQ(state.begin()->behind(), false);
}

TEST_F(StateTest, WhatIsNotCommittedNeverHappened) {
  auto state = open();
  {
    auto change = state.begin();
    EXPECT_EQ(change->next_epoch(7), 7U);
    EXPECT_TRUE(change->put_sender(name, as_bytes("x")));
  }
  EXPECT_EQ(next(state), 1U);
  EXPECT_TRUE(state.begin()->senders()->empty());
}

TEST_F(StateTest, KeepsSenders) {
  auto state = open();
  auto change = state.begin();
  ASSERT_TRUE(change->put_sender(name, as_bytes("first")));
  ASSERT_TRUE(change->put_sender(name, as_bytes("second")));
  ASSERT_TRUE(change->put_sender(Bytes{9}, as_bytes("other")));
  ASSERT_TRUE(change->remove_sender(Bytes{9}));
  ASSERT_TRUE(change->commit());
  auto again = open();
  const auto senders = again.begin()->senders();
  ASSERT_EQ(senders->size(), 1U);
  EXPECT_EQ((*senders)[0].name, name);
  EXPECT_EQ(as_text((*senders)[0].saved), "second");
  EXPECT_TRUE((*senders)[0].ours);
}

TEST_F(StateTest, ACopyIsNotOurs) {
  {
    auto state = open();
    auto change = state.begin();
    ASSERT_TRUE(change->put_sender(name, as_bytes("x")));
    ASSERT_TRUE(change->commit());
  }
  const auto path = home.home().state_file();
  const auto copy = home.root() / "copy";
  std::filesystem::copy_file(path, copy);
  std::filesystem::rename(copy, path);
  auto state = open();
  EXPECT_FALSE((*state.begin()->senders())[0].ours);
}

TEST_F(StateTest, KeepsReaders) {
  using Row = State::Change::Row;
  const Bytes pump{1}, valve{2};
  {
    auto state = open();
    auto change = state.begin();
    ASSERT_EQ(change->put_reader("a", pump, as_bytes("1"), Row::fresh), true);
    ASSERT_EQ(change->put_reader("a", pump, as_bytes("2"), Row::replaced), true);
    ASSERT_EQ(change->put_reader("a", valve, {}, Row::fresh), true);
    ASSERT_EQ(change->put_reader("b", pump, as_bytes("other"), Row::fresh), true);
    ASSERT_TRUE(change->commit());
  }
  auto state = open();
  auto change = state.begin();
  EXPECT_EQ(as_text(**change->reader("a", pump)), "2");
  EXPECT_TRUE((*change->reader("a", valve))->empty());
  EXPECT_FALSE(*change->reader("b", valve));
  EXPECT_EQ(change->remove_readers(pump), 2U);
  EXPECT_FALSE(*change->reader("a", pump));
  EXPECT_TRUE(*change->reader("a", valve));
  EXPECT_EQ(change->put_reader("b", pump, as_bytes("late"), Row::replaced), false);
  EXPECT_FALSE(*change->reader("b", pump));
  EXPECT_EQ(change->remove_readers(pump), 0U);
}

TEST_F(StateTest, AReadersRowIsOfOneIdAndSender) {
  {
    auto state = open();
    auto change = state.begin();
    for (const auto* id : {"moved", "whole"}) {
      ASSERT_TRUE(change->put_reader(id, name, as_bytes("x"), State::Change::Row::fresh));
    }
    ASSERT_TRUE(change->commit());
  }
  ASSERT_TRUE(Database::open(home.home().state_file())
                  ->run("UPDATE reader SET client = CAST('b' AS BLOB)"
                        " WHERE client = CAST('moved' AS BLOB)"));
  const auto read = [&](State state, std::string_view id) {
    return state.begin()->reader(id, name);
  };
  EXPECT_EQ(read(open(), "b").error().code, Errc::malformed);
  EXPECT_TRUE(*read(open(), "whole"));
  EXPECT_EQ(read(open(2), "whole").error().code, Errc::malformed);
}

TEST_F(StateTest, OneReaderAtATimeHasAnId) {
  {
    const auto held = ReaderLock::acquire(home.home(), "a");
    ASSERT_TRUE(held);
    const auto second = ReaderLock::acquire(home.home(), "a");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::refused);
    EXPECT_TRUE(ReaderLock::acquire(home.home(), "b"));
  }
  EXPECT_TRUE(ReaderLock::acquire(home.home(), "a"));
}

TEST_F(StateTest, WhoSignsAlwaysWill) {
  auto state = open();
  EXPECT_EQ(state.begin()->signs(), false);
  auto change = state.begin();
  EXPECT_TRUE(change->set_signs() && change->commit());
  auto again = open();
  EXPECT_EQ(again.begin()->signs(), true);
}

TEST_F(StateTest, KeepsSecretsSealed) {
  auto state = open();
  auto change = state.begin();
  ASSERT_TRUE(change->put_sender(name, as_bytes("the epoch's secret key")));
  ASSERT_TRUE(change->commit());
  for (const auto& file : std::filesystem::directory_iterator(home.home().directory())) {
    EXPECT_EQ(TestHome::read(file.path()).find("secret key"), std::string::npos) << file.path();
    EXPECT_EQ(TestHome::mode(file.path()) & 0077U, 0U) << file.path();
  }
  auto other = open(2);
  const auto senders = other.begin()->senders();
  ASSERT_FALSE(senders);
  EXPECT_EQ(senders.error().code, Errc::malformed);
}

TEST_F(StateTest, ProcessesWaitForOneAnother) {
  auto one = open();
  auto other = open();
  constexpr int rounds = 50;
  const auto count = [&](State& state) {
    for (int i = 0; i < rounds; ++i) next(state);
  };
  std::thread thread([&] { count(one); });
  count(other);
  thread.join();
  EXPECT_EQ(next(one), 2U * rounds + 1U);
}

TEST_F(StateTest, AnOlderCopyWrittenOverTheFileIsAnotherPlace) {
  const auto path = home.home().state_file();
  const auto ours = [](State& state) { return state.begin()->senders()->at(0).ours; };
  const auto put = [&](State& state) {
    auto change = state.begin();
    ASSERT_TRUE(change->put_sender(name, as_bytes("x")) && change->commit());
  };
  {
    auto state = open();
    put(state);
  }
  if (marks().empty()) GTEST_SKIP() << "no extended attributes here";
  const auto copy = TestHome::read(path);
  {
    auto state = open();
    EXPECT_TRUE(ours(state));
    put(state);
  }
  TestHome::write(path, copy);  // into the same file
  {
    auto state = open();
    EXPECT_NE(state.warning().find("a copy"), std::string::npos) << state.warning();
    EXPECT_FALSE(ours(state));
    EXPECT_FALSE(ours(state)) << "as long as it was not put again";
    auto other = open();
    EXPECT_EQ(other.warning(), "") << "it is told once";
    put(other);
    EXPECT_TRUE(ours(state)) << "from then on";
    EXPECT_TRUE(ours(other));
  }
  TestHome::write(path, copy);
  auto state = open();
  EXPECT_FALSE(ours(state)) << "again";
}

TEST_F(StateTest, AnOlderCopyIsLookedThrough) {
  const auto path = home.home().state_file();
  const auto put = [&] {
    auto state = open();
    auto change = state.begin();
    ASSERT_TRUE(change->put_sender(name, Bytes(100'000, 1)) && change->commit());
  };
  put();
  const bool marked = !marks().empty();  // where the file system has extended attributes
  auto copy = TestHome::read(path);
  put();
  // As where its log has lost its end, and older pages lie among newer ones.
  copy.replace(copy.size() - 50'000, 12'288, std::string(12'288, 'x'));
  TestHome::write(path, copy);
  EXPECT_EQ(open().warning().find("damaged") != std::string::npos, marked);
}

TEST_F(StateTest, ACrashAroundACommitIsNoCopy) {
  const auto path = home.home().state_file();
  const auto put = [&](State& state) {
    auto change = state.begin();
    ASSERT_TRUE(change->put_sender(name, as_bytes("x")) && change->commit());
  };
  auto state = open();
  put(state);
  const auto one = marks();
  if (one.empty()) GTEST_SKIP() << "no extended attributes here";
  const Bytes other(8, 7);
  ASSERT_TRUE(FileMarks(path).add(other));  // as before a commit, or after one
  EXPECT_NE(marks(), one);
  EXPECT_TRUE(state.begin()->senders()->at(0).ours);
  EXPECT_EQ(marks(), one);
}

TEST_F(StateTest, MovesWhatIsDamagedAside) {
  home.make_home();
  const auto path = home.home().state_file();
  TestHome::write(path, std::string(8192, 'x'));
  EXPECT_NE(open().warning().find("state.db.damaged-1"), std::string::npos);
  EXPECT_EQ(TestHome::read(path.string() + ".damaged-1"), std::string(8192, 'x'));
  EXPECT_EQ(open().warning(), "");
  EXPECT_FALSE(std::filesystem::exists(Database::suspect_mark(path)));
}

TEST_F(StateTest, NoticesATruncatedFile) {
  {
    auto state = open();
    EXPECT_EQ(next(state, 1000), 1000U);
  }
  const auto path = home.home().state_file();
  std::filesystem::resize_file(path, 4096 + 100);
  auto state = open();
  EXPECT_NE(state.warning(), "");
  EXPECT_EQ(next(state, 2000), 2000U);
}

TEST_F(StateTest, LooksAtAllOfItAfterAnError) {
  {
    auto state = open();
    auto change = state.begin();
    ASSERT_TRUE(change->put_sender(name, Bytes(100'000, 1)));
    ASSERT_TRUE(change->commit());
  }
  const auto path = home.home().state_file();
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(-50'000, std::ios::end);
  file << std::string(12'288, 'x');
  file.close();
  {
    auto state = open();
    EXPECT_EQ(state.warning(), "");
    EXPECT_FALSE(state.begin()->senders());
  }
  auto state = open();
  EXPECT_NE(state.warning(), "");
  EXPECT_TRUE(state.begin()->senders()->empty());
}

TEST_F(StateTest, AnotherConnectionTakesNoLocksAway) {
  auto one = open();
  EXPECT_EQ(next(one), 1U);
  { auto other = open(); }
  const auto path = home.home().state_file();
  // To another process, which would remove the log if it thought itself the last.
  const pid_t child = ::fork();
  if (child == 0) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_start = 0x40000002;  // SQLite's SHARED_FIRST and SHARED_SIZE
    lock.l_len = 510;
    const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    const bool locked = ::fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    ::_exit(locked ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(StateTest, RefusesWhatItCannotTrustOrRead) {
  const auto refused = [&](std::string_view with) {
    crypto::SeededRandom seeded(1);
    auto state = State::open(home.home(), crypto::KeyPair::generate(seeded).private_key, random);
    ASSERT_FALSE(state);
    EXPECT_NE(one_line(state.error()).find(with), std::string::npos) << one_line(state.error());
  };
  home.make_home();
  const auto path = home.home().state_file();
  TestHome::write(path, "", 0644);
  refused("chmod 600");
  std::filesystem::remove(path);
  auto database = *Database::open(path);
  ASSERT_TRUE(database.run("PRAGMA user_version = 99"));
  refused("later version");
}

}  // namespace
}  // namespace sts::store
