#include "store/identity.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <barrier>
#include <thread>

#include "crypto/random.h"
#include "store/file.h"
#include "store/key_file.h"
#include "store/test_home.h"

namespace sts::store {
namespace {

class IdentityTest : public testing::Test {
 protected:
  IdentityTest() { crypto::initialise(); }

  TestHome test_;
  Home home_ = test_.home();
  crypto::SeededRandom random_{7};
};

TEST_F(IdentityTest, NoneAtFirstAndReadingMakesNothing) {
  auto none = load_identity(home_);
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_value());
  EXPECT_FALSE(std::filesystem::exists(home_.directory()));
}

TEST_F(IdentityTest, ComesBackAsItWasMade) {
  auto made = create_identity(home_, random_);
  ASSERT_TRUE(made) << made.error().message;
  auto loaded = load_identity(home_);
  ASSERT_TRUE(loaded && *loaded);
  EXPECT_EQ((*loaded)->public_key, made->public_key);
  EXPECT_TRUE((*loaded)->private_key == made->private_key);
  EXPECT_EQ(TestHome::read(home_.identity_file()), crypto::to_text(made->private_key) + "\n");
}

TEST_F(IdentityTest, ModesAreNarrowWhateverTheUmask) {
  const mode_t before = ::umask(0);
  auto made = create_identity(home_, random_);
  ::umask(before);
  ASSERT_TRUE(made);
  EXPECT_EQ(TestHome::mode(home_.directory()), 0700U);
  EXPECT_EQ(TestHome::mode(home_.directory().parent_path()), 0700U);
  EXPECT_EQ(TestHome::mode(home_.identity_file()), 0600U);
  EXPECT_EQ(TestHome::mode(home_.directory() / "lock"), 0600U);
}

TEST_F(IdentityTest, NeverOverAnOldOne) {
  ASSERT_TRUE(create_identity(home_, random_));
  const auto before = TestHome::read(home_.identity_file());
  auto second = create_identity(home_, random_);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(home_.identity_file().string()), std::string::npos);
  EXPECT_FALSE(second.error().hint.empty());
  EXPECT_EQ(TestHome::read(home_.identity_file()), before);
  EXPECT_FALSE(std::filesystem::exists(home_.identity_file().string() + ".new"));
}

TEST_F(IdentityTest, NeverOverADanglingLinkEither) {
  test_.make_home();
  std::filesystem::create_symlink(test_.root() / "absent", home_.identity_file());
  EXPECT_FALSE(create_identity(home_, random_));
  EXPECT_FALSE(std::filesystem::exists(test_.root() / "absent"));
}

TEST_F(IdentityTest, OfManyAtOnceOneMakesIt) {
  constexpr int count = 8;
  std::vector<std::optional<crypto::PublicKey>> made(count);
  {
    std::vector<std::jthread> threads;
    threads.reserve(count);
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([&, i] {
        crypto::SeededRandom random(static_cast<std::uint64_t>(i));
        if (auto pair = create_identity(home_, random)) {
          made[static_cast<std::size_t>(i)] = pair->public_key;
        }
      });
    }
  }
  auto loaded = load_identity(home_);
  ASSERT_TRUE(loaded && *loaded);
  int winners = 0;
  for (const auto& key : made) {
    if (!key) continue;
    ++winners;
    EXPECT_EQ(*key, (*loaded)->public_key);
  }
  EXPECT_EQ(winners, 1);
}

TEST_F(IdentityTest, OfManyThatFindNoneOneMakesItAndAllHaveIt) {
  constexpr int rounds = 20, count = 8;
  for (int round = 0; round < rounds; ++round) {
    const Home home(test_.root() / std::to_string(round));
    std::vector<std::optional<Identity>> got(count);
    std::barrier together(count);
    {
      std::vector<std::jthread> threads;
      threads.reserve(count);
      for (int i = 0; i < count; ++i) {
        threads.emplace_back([&, i] {
          crypto::SeededRandom random(static_cast<std::uint64_t>(i));
          together.arrive_and_wait();
          if (auto own = load_or_create_identity(home, random)) {
            got[static_cast<std::size_t>(i)] = std::move(*own);
          }
        });
      }
    }
    auto stored = load_identity(home);
    ASSERT_TRUE(stored && *stored);
    for (const auto& own : got) {
      ASSERT_TRUE(own);
      EXPECT_EQ(own->pair.public_key, (*stored)->public_key);
    }
    EXPECT_EQ(std::ranges::count_if(got, [](const auto& own) { return own->made; }), 1);
  }
}

TEST_F(IdentityTest, LoadingNeedsNoWritableHome) {
  auto made = load_or_create_identity(home_, random_);
  ASSERT_TRUE(made);
  std::filesystem::remove(home_.directory() / "lock");
  auto loaded = load_or_create_identity(home_, random_);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->pair.public_key, made->pair.public_key);
  EXPECT_FALSE(loaded->made);
  EXPECT_FALSE(std::filesystem::exists(home_.directory() / "lock")) << "nothing was written";
}

TEST_F(IdentityTest, RefusesAFileThatOthersCanReadAndNamesTheCommand) {
  ASSERT_TRUE(create_identity(home_, random_));
  const auto path = home_.identity_file().string();
  for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0644U, 0666U}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    auto loaded = load_identity(home_);
    ASSERT_FALSE(loaded) << std::oct << mode;
    EXPECT_EQ(loaded.error().code, Errc::refused);
    EXPECT_EQ(loaded.error().message, path + " can be read by others");
    EXPECT_EQ(loaded.error().hint, "chmod 600 " + path);
  }
  ASSERT_EQ(::chmod(path.c_str(), 0400), 0);
  EXPECT_TRUE(load_identity(home_));
}

TEST_F(IdentityTest, RefusesTheFileOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ASSERT_TRUE(create_identity(home_, random_));
  ASSERT_EQ(::chown(home_.identity_file().c_str(), 4242, 4242), 0);
  EXPECT_TRUE(load_identity(home_)) << "root may";
  ASSERT_EQ(::chmod(home_.identity_file().c_str(), 0604), 0);
  EXPECT_FALSE(load_identity(home_)) << "but not what others can read";
  ASSERT_EQ(::chmod(home_.identity_file().c_str(), 0600), 0);

  File file{{}, 0100600, 4242};
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setuid(4343) != 0) ::_exit(2);
    auto checked = check_private("identity", file);
    const bool right = !checked && checked.error().message == "identity belongs to another user" &&
                       checked.error().hint == "sudo chown 4343 identity";
    ::_exit(right ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(IdentityTest, RefusesAHomeWhereOthersCanPutFiles) {
  test_.make_home();
  const auto name = home_.directory().string();
  for (const mode_t mode : {0777U, 0770U, 0702U}) {
    ASSERT_EQ(::chmod(name.c_str(), mode), 0);
    auto loaded = load_identity(home_);
    ASSERT_FALSE(loaded) << std::oct << mode;
    EXPECT_EQ(loaded.error().message, name + " can be written by others");
    EXPECT_EQ(loaded.error().hint, "chmod 700 " + name);
    auto made = create_identity(home_, random_);
    ASSERT_FALSE(made) << std::oct << mode;
    EXPECT_EQ(made.error().message, loaded.error().message);
  }
  EXPECT_FALSE(std::filesystem::exists(home_.identity_file()));
  ASSERT_EQ(::chmod(name.c_str(), 01777), 0);
  EXPECT_TRUE(create_identity(home_, random_)) << "sticky, like /tmp";
  ASSERT_EQ(::chmod(name.c_str(), 0755), 0);
  EXPECT_TRUE(load_identity(home_));
}

TEST_F(IdentityTest, BadContentIsToldWithItsLine) {
  const auto key = crypto::to_text(crypto::KeyPair::generate(random_).private_key);
  const struct {
    std::string text, error;  // error after the path; empty: it loads
  } cases[] = {
      {key, ""},
      {key + "\n", ""},
      {key + "\r\n", ""},
      {"# mine\n\n  " + key + " \n# end\n", ""},
      {"", ": no key in it"},
      {"# nothing\n", ": no key in it"},
      {"# two\n" + key + "\n" + key + "\n", ":3: a second key"},
      {"\n" + key.substr(1) + "\n", ":2: "},
      {std::string(44, '?'), ":1: "},
      {key + " " + key, ":1: "},
      {std::string("\0\0", 2), ":1: "},
      {std::string(key_file_limit + 1, '#'), " is larger than"},
  };
  test_.make_home();
  for (const auto& [text, error] : cases) {
    const auto path = TestHome::write(home_.identity_file(), text).string();
    auto loaded = load_identity(home_);
    ASSERT_EQ(loaded.has_value(), error.empty()) << text;
    if (loaded) continue;
    EXPECT_TRUE(loaded.error().message.starts_with(path + error)) << loaded.error().message;
    EXPECT_EQ(loaded.error().message.find(key.substr(1)), std::string::npos) << "tells the secret";
  }
}

TEST_F(IdentityTest, WhatIsNoFileIsRefusedAndDoesNotBlock) {
  std::filesystem::create_directories(home_.identity_file());
  auto loaded = load_identity(home_);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message, home_.identity_file().string() + " is a directory, not a file");
  std::filesystem::remove(home_.identity_file());
  ASSERT_EQ(::mkfifo(home_.identity_file().c_str(), 0600), 0);
  EXPECT_FALSE(load_identity(home_)) << "a pipe without a writer is empty";
  auto device = read_file("/dev/zero", 10);
  ASSERT_FALSE(device);
  EXPECT_EQ(device.error().message, "/dev/zero is a device, not a file");
}

TEST_F(IdentityTest, AHomeThatCannotBeIsAnError) {
  TestHome::write(test_.root() / "config", "a file");
  auto made = create_identity(home_, random_);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::io);
  EXPECT_NE(made.error().message.find((test_.root() / "config").string()), std::string::npos);
}

TEST(ShellWord, IsQuotedOnlyWhereItMustBe) {
  EXPECT_EQ(shell_word("/home/u/.config/sts"), "/home/u/.config/sts");
  EXPECT_EQ(shell_word("my file"), "'my file'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace sts::store
