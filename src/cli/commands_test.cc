#include "cli/commands.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/report.h"
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
    CLI::App app("", "sts");
    int exit_code = -1;
    add_key_command(app, exit_code);
    add_peer_command(app, exit_code);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    try {
      app.parse(line);
    } catch (const CLI::ParseError& error) {
      exit_code = report(app, error);
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
  const auto fingerprint = [](const std::string& key) {
    return crypto::fingerprint(*crypto::parse_public_key(key));
  };
  const auto added = run("peer add pump " + key_);
  EXPECT_EQ(added.exit_code, 0);
  EXPECT_EQ(added.out, "pump: fingerprint " + fingerprint(key_) + "\n");
  const auto psk = TestHome::write(test_.root() / "psk", psk_).string();
  const auto other = run("key gen").out.substr(0, 44);
  std::filesystem::remove(home_.identity_file());
  EXPECT_EQ(run("peer add x " + other + " --psk-file " + psk).exit_code, 0);

  const auto listed = run("peer list");
  EXPECT_EQ(listed.exit_code, 0);
  EXPECT_EQ(listed.out, "pump  " + key_ + "  " + fingerprint(key_) + "\nx     " + other + "  " +
                            fingerprint(other) + "  psk\n");
  EXPECT_NE(TestHome::read(home_.peers_file()).find(psk_), std::string::npos);

  EXPECT_EQ(run("peer remove pump").exit_code, 0);
  EXPECT_EQ(run("peer remove pump").err,
            "error: no peer is named 'pump'\nhint: 'sts peer list' shows them\n");
}

TEST_F(CommandsTest, ResetsAPeer) {
  EXPECT_EQ(run("peer reset pump").err,
            "error: no peer is named 'pump'\nhint: 'sts peer list' shows them\n");
  ASSERT_EQ(run("peer add pump " + key_).exit_code, 0);
  EXPECT_EQ(run("peer reset pump").out, "pump: no reader had kept anything\n");
}

TEST_F(CommandsTest, RightsOfAPeer) {
  ASSERT_EQ(
      run("peer add --reads plant/# pump " + key_ + " --writes alarm --reads 'a b'").exit_code, 0);
  EXPECT_TRUE(run("peer list").out.ends_with("  reads=plant/# reads=a%20b writes=alarm\n"));
  EXPECT_EQ(run("peer allow pump --writes +/x").exit_code, 0);
  EXPECT_EQ(run("peer deny --reads 'a b' --writes alarm pump").exit_code, 0);
  EXPECT_TRUE(run("peer list").out.ends_with("  reads=plant/# writes=+/x\n"));
  const auto json = nlohmann::json::parse(run("peer list --format json").out);
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["name"], "pump");
  EXPECT_EQ(json[0]["key"], key_);
  EXPECT_EQ(json[0]["psk"], false);
  EXPECT_EQ(json[0]["reads"], nlohmann::json({"plant/#"}));
  EXPECT_EQ(json[0]["writes"], nlohmann::json({"+/x"}));
  for (const auto& [line, error] :
       {std::pair("add pump " + key_ + " --reads a#",
                  "error: a wildcard where it may not be in 'a#'\n"),
        std::pair(std::string("allow pump"),
                  "error: neither --reads nor --writes says which topics\nhint: --reads FILTER or"),
        std::pair(std::string("allow valve --reads a"), "error: no peer is named 'valve'\n"),
        std::pair(std::string("deny pump --reads a"), "error: 'pump' has no reads=a\nhint: ")}) {
    const auto outcome = run("peer " + line);
    EXPECT_EQ(outcome.exit_code, 2) << line;
    EXPECT_TRUE(outcome.err.starts_with(error)) << outcome.err;
  }
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
      {"zero " + std::string(43, 'A') + "=", "error: this key is a point of small order"},
      {"x " + psk_ + " --psk-file /nowhere/psk",
       "error: there is no file /nowhere/psk\nhint: 'sts key psk' prints"},
      {"x " + psk_ + " --psk-file /dev/null", "error: /dev/null is a device, not a file"},
  };
  for (const auto& [line, error] : cases) {
    const auto outcome = run("peer add " + line);
    const bool taken = error.find("'pump'") != std::string::npos;  // not wrong by itself
    EXPECT_EQ(outcome.exit_code, taken ? 1 : 2) << line;
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

TEST_F(CommandsTest, KeyPskPrintsANewOneThatPeerAddTakes) {
  const auto made = run("key psk");
  EXPECT_EQ(made.exit_code, 0);
  EXPECT_EQ(made.err, "");
  ASSERT_EQ(made.out.size(), 45U);
  EXPECT_NE(run("key psk").out, made.out);
  EXPECT_FALSE(std::filesystem::exists(home_.directory())) << "nothing is stored";
  const auto psk = TestHome::write(test_.root() / "psk", made.out).string();
  EXPECT_EQ(run("peer add pump " + key_ + " --psk-file " + psk).exit_code, 0);
}

TEST_F(CommandsTest, UsageErrorsRunNothingAndSayWhatIsRight) {
  const struct {
    std::string line, err;
  } cases[] = {
      {"start x",
       "error: sts: 'start' is not expected here\nhint: the shell, which 'sts' alone opens, takes "
       "start, send and the rest; 'sts --help' tells more\n"},
      {"--bogus", "error: sts: '--bogus' is not expected here\nhint: the shell, which"},
      {"key",
       "error: sts key: a subcommand is missing\n"
       "hint: one of gen, show, psk; 'sts key --help' tells more\n"},
      {"key shwo",
       "error: sts key: 'shwo' is not expected here\n"
       "hint: one of gen, show, psk; 'sts key --help' tells more\n"},
      {"key gen extra",
       "error: sts key gen: 'extra' is not expected here\nhint: 'sts key gen --help' tells more\n"},
      {"key gen --bogus", "error: sts key gen: '--bogus' is not expected here\nhint: "},
      {"peer",
       "error: sts peer: a subcommand is missing\nhint: one of add, list, allow, deny, reset, "
       "remove; "},
      {"peer add",
       "error: sts peer add: NAME is required\nhint: 'sts peer add --help' tells more\n"},
      {"peer add pump", "error: sts peer add: KEY is required\nhint: "},
      {"peer add pump k --psk-file", "error: sts peer add: --psk-file: "},
      {"peer remove", "error: sts peer remove: NAME is required\nhint: "},
      {"peer list extra", "error: sts peer list: 'extra' is not expected here\nhint: "},
  };
  for (const auto& [line, err] : cases) {
    const auto outcome = run(line);
    EXPECT_EQ(outcome.exit_code, 2) << line;
    EXPECT_EQ(outcome.out, "") << line;
    EXPECT_TRUE(outcome.err.starts_with(err)) << outcome.err;
    EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 2) << outcome.err;
  }
  EXPECT_FALSE(std::filesystem::exists(home_.directory()));
}

TEST_F(CommandsTest, HelpGoesToStdout) {
  const auto help = run("peer add --help");
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_EQ(help.err, "");
  EXPECT_NE(help.out.find("--psk-file"), std::string::npos);
}

}  // namespace
}  // namespace sts::cli
