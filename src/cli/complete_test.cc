#include "cli/complete.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/commands.h"
#include "store/test_home.h"

namespace sts::cli {
namespace {

using store::TestHome;

/// A shell with the script, in which `sts peer list` knows pump and gateway.
class CompleteTest : public testing::Test {
 public:
  CompleteTest() {
    add_commands(app_, unused_);
    const auto profiles = test_.root() / "home" / "profiles";
    std::filesystem::create_directories(profiles);
    TestHome::write(profiles / "plant", "");
    TestHome::write(test_.root() / "ca file.pem", "");
    std::filesystem::create_directory(test_.root() / "ca-directory");
    TestHome::write(test_.root() / "bash", bash_completion(app_));
    TestHome::write(test_.root() / "_sts", zsh_completion(app_));
  }

 protected:
  std::string output(const std::string& command) {
    const auto file = TestHome::write(test_.root() / "run", command);
    auto* pipe = ::popen(("exec 2>&1; " + shell_ + " " + file.string()).c_str(), "r");
    std::string text;
    char buffer[4096];
    for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
      text.append(buffer, got);
    }
    EXPECT_EQ(::pclose(pipe), 0) << text;
    return text;
  }

  /// What bash offers behind `words`, the last of which is begun.
  std::string bash(const std::string& words) {
    return output(
        "sts() { [ \"$*\" = 'peer list' ] && printf 'pump  KEY\\ngateway  KEY\\n'; }\n"
        "cd '" +
        test_.root().string() +
        "'; STS_HOME=$PWD/home; set -u; . ./bash\n"
        "COMP_WORDS=(" +
        words +
        "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _sts\n"
        "printf '%s\\n' \"${COMPREPLY[@]}\"");
  }

  std::string shell_ = "bash";
  TestHome test_;
  int unused_ = 0;
  CLI::App app_{"", "sts"};
};

TEST_F(CompleteTest, BashOffersCommandsAndFlags) {
  EXPECT_EQ(bash("sts p"), "pub\nping\npeer\n");
  EXPECT_EQ(bash("sts --v"), "--version\n");
  EXPECT_EQ(bash("sts key ''"), "gen\nshow\npsk\n-h\n--help\n");
  EXPECT_EQ(bash("sts pub --caf"), "--cafile\n");
  EXPECT_EQ(bash("sts sub --plain --rotate-s"), "--rotate-size\n");
  EXPECT_EQ(bash("sts peer add --psk"), "--psk-file\n");
}

TEST_F(CompleteTest, BashOffersValues) {
  EXPECT_EQ(bash("sts pub --peer ''"), "first-use\npump\ngateway\n");
  EXPECT_EQ(bash("sts peer remove g"), "gateway\n");
  EXPECT_EQ(bash("sts peer deny g"), "gateway\n");
  EXPECT_EQ(bash("sts peer reset g"), "gateway\n");
  EXPECT_EQ(bash("sts ping --profile ''"), "plant\n");
  EXPECT_EQ(bash("sts sub --format j"), "json\n");
  EXPECT_EQ(bash("sts ping --format ''"), "text\njson\n");
  EXPECT_EQ(bash("sts rr -q ''"), "0\n1\n2\n");
  EXPECT_EQ(bash("sts pub --cafile ca' '"), "ca file.pem\n");
  EXPECT_EQ(bash("sts pub --capath ca"), "ca-directory\n");
  EXPECT_EQ(bash("sts pub -t ''"), "\n");
}

TEST_F(CompleteTest, ZshOffersTheSame) {
  if (std::system("command -v zsh >/dev/null") != 0) GTEST_SKIP() << "no zsh here";
  shell_ = "zsh -f";
  // A zsh at a terminal of its own, to which Tab is a request for completion.
  const auto zsh = [this](const std::string& line) {
    return output("zmodload zsh/zpty; cd '" + test_.root().string() + R"('
zpty shell zsh -f -i
zpty -w shell "PS1='READY> '; STS_HOME=$PWD/home; fpath=($PWD \$fpath); autoload -U compinit"
zpty -w shell "sts() { printf 'pump  KEY\ngateway  KEY\n' }; compinit -u -D; unsetopt zle_bracketed_paste"
zpty -w shell "show() { print -r -- \"<\$BUFFER>\"; zle .send-break }; zle -N show; bindkey '^X' show"
zpty -w shell "bindkey '^I' complete-word; print SET''UP"
zpty -r shell text '*SETUP*'
zpty -w -n shell ')" +
                  line + R"('$'\t\C-x'
zpty -r shell text '*<*>*'
print -r -- ${${text##*<}%%>*}
zpty -d shell)");
  };
  EXPECT_EQ(zsh("sts ben"), "sts bench \n");
  EXPECT_EQ(zsh("sts pub --caf"), "sts pub --cafile \n");
  EXPECT_EQ(zsh("sts pub --peer gat"), "sts pub --peer gateway \n");
  EXPECT_EQ(zsh("sts peer remove pu"), "sts peer remove pump \n");
  EXPECT_EQ(zsh("sts peer allow pu"), "sts peer allow pump \n");
  EXPECT_EQ(zsh("sts peer reset pu"), "sts peer reset pump \n");
  EXPECT_EQ(zsh("sts sub --format js"), "sts sub --format json \n");
  EXPECT_EQ(zsh("sts ping --profile pl"), "sts ping --profile plant \n");
  EXPECT_EQ(zsh("sts pub --capath ca-"), "sts pub --capath ca-directory/\n");
}

}  // namespace
}  // namespace sts::cli
