// The shell on a pseudo-terminal, as a person sees it.
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <filesystem>
#include <fstream>

#include "shell/screen_emulator.h"
#include "shell/shell_process.h"

namespace sts::shell {
namespace {

constexpr int rows = 12, columns = 40;

class TerminalTest : public testing::Test {
 protected:
  TerminalTest() { EXPECT_TRUE(shell_.says("> ")); }

  ScreenEmulator screen() const { return ScreenEmulator::show(rows, columns, shell_.said()); }
  bool shows(const std::string& text) {
    return shell_.wait_until([&](const std::string& said) {
      return ScreenEmulator::show(rows, columns, said).flat().find(text) != std::string::npos;
    });
  }
  /// The prompt and what is typed behind it are the last thing on the screen.
  bool prompts(const std::string& typed) {
    return shell_.wait_until([&](const std::string& said) {
      const std::string flat = ScreenEmulator::show(rows, columns, said).flat();
      const std::string end = typed.empty() ? ">" : "> " + typed;
      return flat.size() >= end.size() && flat.substr(flat.size() - end.size()) == end;
    });
  }
  bool cooked() const {
    termios modes{};
    tcgetattr(shell_.terminal(), &modes);
    return (modes.c_lflag & ICANON) != 0 && (modes.c_lflag & ECHO) != 0;
  }
  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
    return n;
  }

  ShellProcess shell_{rows, columns};
};

TEST_F(TerminalTest, MessageDoesNotTearTheLine) {
  shell_.type("start up\n");
  ASSERT_TRUE(shows("state 3"));
  shell_.type("sendenc h\u00e4l");
  ASSERT_TRUE(prompts("sendenc h\u00e4l"));
  shell_.peer_sends("how do you do");
  ASSERT_TRUE(shows("[MQTT_INC]: how do you do"));
  ASSERT_TRUE(prompts("sendenc h\u00e4l"));
  EXPECT_EQ(count(screen().flat(), "sendenc"), 1U);
  shell_.type("lo\n");
  EXPECT_TRUE(shows("[MQTT_OUT]: 68c3a46c6c6f"));
}

TEST_F(TerminalTest, MessageDoesNotTearAWrappedLine) {
  std::string typed = "sendenc ";
  for (int i = 0; i < 10; ++i) typed += "\u00fc123456789";
  shell_.type(typed);
  ASSERT_TRUE(prompts(typed));
  shell_.type(std::string(31, '\002'));  // to the left, to the last column of the row above
  ASSERT_TRUE(shell_.wait_until([&](const std::string& said) {
    return ScreenEmulator::show(rows, columns, said).column() == columns - 1;
  }));
  shell_.peer_sends("first");
  shell_.peer_sends("second");
  ASSERT_TRUE(shows("[MQTT_INC]: second"));
  ASSERT_TRUE(shell_.wait_until([&](const std::string& said) {
    const auto now = ScreenEmulator::show(rows, columns, said);
    const std::string flat = now.flat();
    return flat.size() > typed.size() && flat.substr(flat.size() - typed.size()) == typed &&
           now.column() == columns - 1;
  }));
  EXPECT_EQ(count(screen().flat(), "sendenc"), 1U);
  EXPECT_EQ(count(screen().flat(), "[MQTT_INC]"), 2U);
}

TEST_F(TerminalTest, MessageDoesNotTearALineThatJustFillsTheRow) {
  const std::string typed(columns - 2, 'x');
  shell_.type(typed);
  ASSERT_TRUE(prompts(typed));
  shell_.peer_sends("one");
  shell_.peer_sends("two");
  ASSERT_TRUE(shows("[MQTT_INC]: two"));
  ASSERT_TRUE(prompts(typed));
  EXPECT_EQ(count(screen().flat(), "x> "), 0U);
  EXPECT_EQ(count(screen().flat(), typed), 1U);
}

TEST_F(TerminalTest, LoneEscapeDoesNotStopTheLoop) {
  shell_.type("ab\033");
  ASSERT_TRUE(prompts("ab"));
  shell_.peer_sends("still here");
  ASSERT_TRUE(shows("[MQTT_INC]: still here"));
  shell_.type("\003");
  ASSERT_TRUE(shows("^C"));
  shell_.type("help exit\n");
  EXPECT_TRUE(shows("exit: stop the session"));
}

TEST_F(TerminalTest, ControlCDropsTheLine) {
  shell_.type("sendenc secret");
  ASSERT_TRUE(prompts("sendenc secret"));
  shell_.type("\003");
  ASSERT_TRUE(shows("sendenc secret^C"));
  shell_.type("status\n");
  EXPECT_TRUE(shows("status:          OFFLINE"));
  EXPECT_EQ(shell_.said().find("error"), std::string::npos);
}

TEST_F(TerminalTest, ControlCCallsAPendingStartOff) {
  shell_.type("start never\n");
  ASSERT_TRUE(shows("start never for ever"));
  ASSERT_TRUE(shows("state 2"));
  shell_.type("\003");
  ASSERT_TRUE(shows("fake: state 0"));
  shell_.type("start up\n");
  EXPECT_TRUE(shows("state 3"));
}

TEST_F(TerminalTest, ControlCEndsTheWaitOfAStop) {
  shell_.type("start slow\n");
  ASSERT_TRUE(shows("state 3"));
  shell_.type("stop\n");
  ASSERT_TRUE(shows("state 4"));
  shell_.type("\003");
  EXPECT_TRUE(shows("fake: stop impatiently"));
  EXPECT_TRUE(shows("fake: state 0"));
}

TEST_F(TerminalTest, ControlDStopsTheSessionFirst) {
  shell_.type("start up\n");
  ASSERT_TRUE(shows("state 3"));
  shell_.type("\004");
  ASSERT_TRUE(shows("fake: stop"));
  ASSERT_TRUE(shows("fake: state 0"));
  EXPECT_EQ(shell_.exit_code(), 0);
}

TEST_F(TerminalTest, SignalStopsTheSessionAndGivesTheTerminalBack) {
  shell_.type("start up\n");
  ASSERT_TRUE(shows("state 3"));
  shell_.type("half a line");
  ASSERT_TRUE(prompts("half a line"));
  EXPECT_FALSE(cooked());
  shell_.signal(SIGTERM);
  ASSERT_TRUE(shell_.says("fake: state 0"));
  EXPECT_EQ(shell_.exit_code(), 128 + SIGTERM);
  EXPECT_TRUE(cooked());
}

TEST_F(TerminalTest, SuspendGivesTheTerminalBackAndTakesItAgain) {
  shell_.type("half a line");
  ASSERT_TRUE(prompts("half a line"));
  shell_.signal(SIGTSTP);
  ASSERT_TRUE(shell_.stopped());
  EXPECT_TRUE(cooked());
  shell_.signal(SIGCONT);
  ASSERT_TRUE(prompts("half a line"));
  shell_.peer_sends("hello");
  ASSERT_TRUE(shows("[MQTT_INC]: hello"));
  ASSERT_TRUE(prompts("half a line"));
  EXPECT_FALSE(cooked());
}

TEST_F(TerminalTest, TabCompletesCommandsAndPaths) {
  const auto directory =
      std::filesystem::temp_directory_path() / ("sts-tab-" + std::to_string(getpid()));
  std::filesystem::create_directory(directory);
  std::ofstream(directory / "secmaster") << "";
  std::ofstream(directory / "secslave") << "";

  shell_.type("sta\t");
  ASSERT_TRUE(prompts("sta"));
  shell_.type("\t");
  ASSERT_TRUE(shows("start  status"));
  shell_.type("r\t" + (directory / "secm").string() + "\t");
  EXPECT_TRUE(prompts("start " + (directory / "secmaster").string()));
  std::filesystem::remove_all(directory);
}

TEST_F(TerminalTest, HistoryBringsLinesBack) {
  shell_.type("help stop\n");
  ASSERT_TRUE(shows("stop: stop the session"));
  shell_.type("\033[A");
  EXPECT_TRUE(prompts("help stop"));
}

TEST_F(TerminalTest, ProgramOwnsTheTerminal) {
  shell_.type("!echo ready; read x; echo \"got <$x>\"\n");
  ASSERT_TRUE(shell_.says("ready\r\n"));
  EXPECT_TRUE(cooked());
  shell_.peer_sends("wait for me");
  shell_.type("an answer\n");
  ASSERT_TRUE(shows("got <an answer>"));
  ASSERT_TRUE(shows("[MQTT_INC]: wait for me"));
  ASSERT_TRUE(prompts(""));
  const std::string said = shell_.said();
  EXPECT_LT(said.find("got <an answer>"), said.find("wait for me"));
  shell_.type("half");
  ASSERT_TRUE(prompts("half"));
  EXPECT_FALSE(cooked());
}

TEST_F(TerminalTest, ControlCGoesToTheProgram) {
  shell_.type("!echo ready; exec sleep 1000\n");
  ASSERT_TRUE(shell_.says("ready\r\n"));
  shell_.type("\003");
  ASSERT_TRUE(shows("ended by signal 2"));
  ASSERT_TRUE(prompts(""));
  shell_.type("exit\n");
  EXPECT_EQ(shell_.exit_code(), 0);
}

TEST_F(TerminalTest, StoppedProgramGoesOn) {
  shell_.type("!kill -STOP $$; echo went on\n");
  EXPECT_TRUE(shell_.says("went on\r\n"));
  EXPECT_TRUE(prompts(""));
}

TEST_F(TerminalTest, ResizeKeepsTheLine) {
  shell_.type("half a line");
  ASSERT_TRUE(prompts("half a line"));
  shell_.forget();
  winsize size{rows, 60, 0, 0};
  ASSERT_EQ(ioctl(shell_.terminal(), TIOCSWINSZ, &size), 0);
  EXPECT_TRUE(shell_.says("half a line"));
}

TEST_F(TerminalTest, PastedLinesRunInTurn) {
  shell_.type("help exit\rhelp stop\rhalf");
  ASSERT_TRUE(shell_.says("stop: stop the session"));
  EXPECT_TRUE(prompts("half"));
  EXPECT_LT(shell_.said().find("exit: stop"), shell_.said().find("stop: stop"));
}

TEST_F(TerminalTest, HangUpEndsTheShell) {
  shell_.signal(SIGHUP);
  EXPECT_EQ(shell_.exit_code(), 128 + SIGHUP);
}

TEST(DumbTerminal, ReadsLinesAsTheyComeAndLeavesTheInputToPrograms) {
  ShellProcess shell(rows, columns, "dumb");
  ASSERT_TRUE(shell.says("welcome"));
  shell.type("start never\n");
  ASSERT_TRUE(shell.says("start never for ever"));
  shell.type("\003");
  ASSERT_TRUE(shell.says("fake: state 0"));
  shell.type("!echo ready; read x; echo \"got <$x>\"\n");
  ASSERT_TRUE(shell.says("ready\r\n"));
  shell.type("an answer\n");
  ASSERT_TRUE(shell.says("got <an answer>"));
  shell.type("exit\n");
  EXPECT_EQ(shell.exit_code(), 0);
}

}  // namespace
}  // namespace sts::shell
