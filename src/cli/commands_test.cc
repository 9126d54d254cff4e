#include "cli/commands.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "crypto/keys.h"
#include "store/test_home.h"

namespace sts::cli {
namespace {

using store::TestHome;

struct Outcome {
  int exit_code;
  std::string out, err;
};

/// Runs subcommands in this process, as main() does, in a home of their own.
class CommandsTest : public testing::Test {
 public:
  CommandsTest() {
    crypto::initialise();
    ::setenv("STS_HOME", home_.directory().c_str(), 1);
  }
  ~CommandsTest() override { ::unsetenv("STS_HOME"); }

 protected:
  static Outcome run(const std::string& line) {
    CLI::App app;
    int exit_code = -1;
    add_key_command(app, exit_code);
    add_peer_command(app, exit_code);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    try {
      app.parse(line);
    } catch (const CLI::ParseError&) {
      exit_code = 2;
    }
    const auto out = testing::internal::GetCapturedStdout();
    return {exit_code, out, testing::internal::GetCapturedStderr()};
  }

  TestHome test_;
  store::Home home_ = test_.home();
  const std::string key_ = "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=";  // RFC 7748, section 6.1
  const std::string psk_ = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
};

TEST_F(CommandsTest, KeyGenAndShowPrintThePublicKeyAloneOnStdout) {
  const auto none = run("key show");
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_EQ(none.out, "");
  EXPECT_EQ(none.err, "error: there is no identity yet in " + home_.directory().string() +
                          "\nhint: sts key gen\n");

  const auto made = run("key gen");
  EXPECT_EQ(made.exit_code, 0);
  ASSERT_EQ(made.out.size(), 45U);
  const auto key = crypto::parse_public_key(made.out.substr(0, 44));
  ASSERT_TRUE(key);
  EXPECT_EQ(made.err, "fingerprint: " + crypto::fingerprint(*key) + "\nstored in " +
                          home_.identity_file().string() + "\n");

  const auto shown = run("key show");
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_EQ(shown.out, made.out);

  const auto again = run("key gen");
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_EQ(again.out, "");
  EXPECT_TRUE(again.err.starts_with("error: there is an identity already: ")) << again.err;
  EXPECT_NE(again.err.find("\nhint: "), std::string::npos);
  EXPECT_EQ(run("key show").out, made.out);
}

TEST_F(CommandsTest, AReadableIdentityIsRefusedWithTheCommandThatMendsIt) {
  ASSERT_EQ(run("key gen").exit_code, 0);
  const auto path = home_.identity_file().string();
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  const auto refused = run("key show");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_EQ(refused.err,
            "error: " + path + " can be read by others\nhint: chmod 600 " + path + "\n");
}

TEST_F(CommandsTest, PeersAreAddedListedAndRemoved) {
  EXPECT_EQ(run("peer list").out, "");
  EXPECT_EQ(run("peer add pump " + key_).exit_code, 0);
  const auto psk = TestHome::write(test_.root() / "psk", psk_).string();
  const auto other = run("key gen").out.substr(0, 44);
  std::filesystem::remove(home_.identity_file());
  EXPECT_EQ(run("peer add x " + other + " --psk-file " + psk).exit_code, 0);

  const auto fingerprint = [](const std::string& key) {
    return crypto::fingerprint(*crypto::parse_public_key(key));
  };
  const auto listed = run("peer list");
  EXPECT_EQ(listed.exit_code, 0);
  EXPECT_EQ(listed.out, "pump  " + key_ + "  " + fingerprint(key_) + "\nx     " + other + "  " +
                            fingerprint(other) + "  psk\n");
  EXPECT_NE(TestHome::read(home_.peers_file()).find(psk_), std::string::npos);

  EXPECT_EQ(run("peer remove pump").exit_code, 0);
  EXPECT_EQ(run("peer remove pump").err,
            "error: no peer is named 'pump'\nhint: 'sts peer list' shows them\n");
}

TEST_F(CommandsTest, PeerAddSaysWhatIsWrong) {
  ASSERT_EQ(run("peer add pump " + key_).exit_code, 0);
  const auto own = run("key gen").out.substr(0, 44);
  const struct {
    std::string line, error;
  } cases[] = {
      {"pump " + own.substr(1), "error: KEY: a key is 44 characters"},
      {"me " + own, "error: this is the public key of this side\nhint: "},
      {"first-use " + key_, "error: 'first-use' is not a valid name"},
      {"valve " + key_, "error: this key is listed already, as 'pump'\nhint: sts peer remove pump"},
      {"pump " + psk_,
       "error: the name 'pump' is taken, its key is " + key_ + "\nhint: sts peer remove pump\n"},
      {"x " + psk_ + " --psk-file /nowhere/psk", "error: "},
      {"x " + psk_ + " --psk-file /dev/null", "error: /dev/null is a device, not a file"},
  };
  for (const auto& [line, error] : cases) {
    const auto outcome = run("peer add " + line);
    EXPECT_EQ(outcome.exit_code, 1) << line;
    EXPECT_TRUE(outcome.err.starts_with(error)) << outcome.err;
  }
}

TEST_F(CommandsTest, APskComesFromStdin) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const int before = ::dup(STDIN_FILENO);
  ASSERT_EQ(::dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
  ASSERT_EQ(::write(ends[1], psk_.data(), psk_.size()), std::ssize(psk_));
  ::close(ends[1]);
  const auto outcome = run("peer add pump " + key_ + " --psk-file -");
  ::dup2(before, STDIN_FILENO);
  ::close(before);
  ::close(ends[0]);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(TestHome::read(home_.peers_file()), "pump " + key_ + " " + psk_ + "\n");
}

TEST_F(CommandsTest, UsageErrorsRunNothing) {
  for (const char* line : {"key", "key made", "key gen extra", "peer", "peer add", "peer add pump",
                           "peer remove", "peer list extra"}) {
    EXPECT_EQ(run(line).exit_code, 2) << line;
  }
  EXPECT_FALSE(std::filesystem::exists(home_.directory()));
}

}  // namespace
}  // namespace sts::cli
