#include "shell/command.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "shell/commands.h"
#include "shell/completion.h"
#include "shell/shell.h"

namespace sts::shell {
namespace {

using std::string_literals::operator""s;

std::string name_of(const std::string& line) {
  auto command = resolve(builtin_commands(), parse_command_line(line));
  // The table is a copy, so only what lives as long as the program may leave here.
  if (!command) return "error: " + command.error().message;
  return *command == nullptr ? "nothing" : "found";
}

TEST(CommandLine, ArgumentsAreTheRestAfterOneBlankExactly) {
  const std::string line = "  sendenc  two blanks \0\xff tab\t\r"s;
  const auto parsed = parse_command_line(line);
  EXPECT_EQ(parsed.name, "sendenc");
  EXPECT_EQ(parsed.arguments, " two blanks \0\xff tab\t\r"s);
  EXPECT_TRUE(parse_command_line("sendenc ").has_arguments);
  EXPECT_FALSE(parse_command_line("sendenc").has_arguments);
  EXPECT_EQ(parse_command_line("stop\r").name, "stop");
  EXPECT_EQ(parse_command_line("!ls -l").name, "!");
  EXPECT_EQ(parse_command_line("! ls").arguments, " ls");
}

TEST(CommandLine, IsCheckedAgainstTheTable) {
  EXPECT_EQ(name_of("start x"), "found");
  EXPECT_EQ(name_of("help"), "found");
  EXPECT_EQ(name_of("stop  "), "found");
  EXPECT_EQ(name_of(""), "nothing");
  EXPECT_EQ(name_of(" \t\r"), "nothing");
  EXPECT_EQ(name_of("# start x"), "nothing");
  EXPECT_EQ(name_of("start"), "error: start: CONFIG is missing");
  EXPECT_EQ(name_of("sendenc"), "error: sendenc: MSG is missing");
  EXPECT_EQ(name_of("stop now"), "error: stop: takes no arguments");
  EXPECT_EQ(name_of("ls\033[2J -l"), "error: unknown command 'ls\\x1b[2J'");
}

TEST(CommandLine, AnErrorSaysHowToMendIt) {
  const auto commands = builtin_commands();
  const auto hint = [&](const std::string& line) {
    return resolve(commands, parse_command_line(line)).error().hint;
  };
  EXPECT_NE(hint("ls").find("'help' lists the commands"), std::string::npos);
  EXPECT_EQ(hint("quit"), "'exit' leaves the shell");
  EXPECT_EQ(hint("start"), "'help start' tells what CONFIG is");
  EXPECT_EQ(hint("stop now"), "type only 'stop'");
}

TEST(Command, EveryOneOfTheTableIsComplete) {
  const auto commands = builtin_commands();
  EXPECT_EQ(commands.size(), 21U);
  for (const auto& command : commands) {
    EXPECT_FALSE(command.name.empty());
    EXPECT_FALSE(command.summary.empty()) << command.name;
    EXPECT_TRUE(command.run) << command.name;
    EXPECT_EQ(find_command(commands, command.name), &command) << "a name used twice";
  }
}

class CompletionTest : public testing::Test {
 protected:
  CompletionTest() {
    for (const char* name : {"sec master", "secslave", ".hidden", "evil\033"}) {
      std::ofstream(directory_ / name) << "";
    }
    std::filesystem::create_directory(directory_ / "sub");
  }
  ~CompletionTest() override { std::filesystem::remove_all(directory_); }

  static std::filesystem::path make_directory() {
    std::string name = std::filesystem::temp_directory_path() / "sts-completion-XXXXXX";
    return mkdtemp(name.data());
  }
  std::vector<std::string> candidates(const std::string& line) {
    return complete(shell_, line).candidates;
  }

  asio::io_context loop_;
  Shell shell_{loop_, builtin_commands(), {}};
  const std::filesystem::path directory_ = make_directory();
};

TEST_F(CompletionTest, Names) {
  EXPECT_EQ(candidates("st"), (std::vector<std::string>{"start", "status", "stop"}));
  EXPECT_EQ(complete(shell_, "star").suffix, " ");
  EXPECT_EQ(complete(shell_, "stop").suffix, "");
  EXPECT_EQ(candidates("help send"), (std::vector<std::string>{"send", "sendenc"}));
  EXPECT_EQ(candidates("log w"), std::vector<std::string>{"warning"});
  EXPECT_EQ(candidates("set session"), std::vector<std::string>{"session_expiry"});
  EXPECT_EQ(candidates("use "), std::vector<std::string>{});
  EXPECT_EQ(candidates("x"), std::vector<std::string>{});
  EXPECT_EQ(candidates("").size(), shell_.commands().size());
}

TEST_F(CompletionTest, Paths) {
  const std::string base = directory_.string() + "/";
  EXPECT_EQ(candidates("start " + base),
            (std::vector<std::string>{base + "sec master", base + "secslave", base + "sub/"}));
  EXPECT_EQ(candidates("start " + base + "sec m"), std::vector<std::string>{base + "sec master"});
  EXPECT_EQ(candidates("start " + base + ".h"), std::vector<std::string>{base + ".hidden"});
  EXPECT_EQ(complete(shell_, "start  " + base).word, 7U);
  EXPECT_EQ(candidates("start /nowhere/at/all/"), std::vector<std::string>{});
  EXPECT_EQ(candidates("sendenc " + base), std::vector<std::string>{});
}

TEST_F(CompletionTest, TildeIsTheHome) {
  const char* before = std::getenv("HOME");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("HOME", directory_.c_str(), 1);
  EXPECT_EQ(candidates("start ~/secs"), std::vector<std::string>{"~/secslave"});
  EXPECT_EQ(expand_home("~/x"), directory_.string() + "/x");
  EXPECT_EQ(expand_home("x~/x"), "x~/x");
  ::setenv("HOME", kept.c_str(), 1);
}

}  // namespace
}  // namespace sts::shell
