// The shell with a script as its standard input.
#include <gtest/gtest.h>

#include "shell/script_input.h"
#include "shell/script_process.h"

namespace sts::shell {
namespace {

TEST(Script, StartReturnsWhenTheSessionIsUpAndTheEndStopsIt) {
  const auto outcome = run("start up\nsendenc  hi\xff\nsendenc last");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.said;
  EXPECT_TRUE(outcome.has("start up for 30 s"));
  EXPECT_TRUE(outcome.has("# [MQTT_OUT]: 206869ff\n"));
  EXPECT_TRUE(outcome.has("# [MQTT_OUT]: 6c617374\n"));
  EXPECT_TRUE(outcome.has("fake: stop\n"));
  EXPECT_TRUE(outcome.has("fake: state 0\n"));
  EXPECT_FALSE(outcome.has("welcome"));
  EXPECT_FALSE(outcome.has("\033"));
}

TEST(Script, FailedCommandsMakeTheExitCode) {
  EXPECT_EQ(run("").exit_code, 0);
  EXPECT_EQ(run("help\nstatus\nexit\nnonsense\n").exit_code, 0);
  for (const char* script : {"nonsense\n", "stop\n", "send\n", "send x\n", "start missing\nhelp\n",
                             "help nonsense\n", "!exit 3\n", "start up\nstart up\n"}) {
    const auto outcome = run(script);
    EXPECT_EQ(outcome.exit_code, 1) << script;
    EXPECT_TRUE(outcome.has("error: ")) << outcome.said;
  }
}

TEST(Script, FailedStartSaysTheHint) {
  const auto outcome = run("start refused\nstart up\nstop\n");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(outcome.has("[ERROR] # connection refused\nhint: install a broker\n"));
  EXPECT_TRUE(outcome.has("state 3")) << "the next command runs all the same";
}

TEST(Script, AHintThatComesAgainIsShownOnce) {
  auto outcome = run("start refused\nsendenc a\nsendenc b\nsendenc c\nnonsense\nsendenc d\n");
  const std::string refusal = "error: no session\n",
                    hint = "hint: 'start CONFIG' or 'connect' opens one\n";
  EXPECT_TRUE(outcome.has(refusal + hint + refusal + refusal + "error: unknown")) << outcome.said;
  EXPECT_TRUE(outcome.said.ends_with(refusal + hint)) << "another hint was in between";
  outcome = run("sendenc a\nhelp exit\nsendenc b\n");
  EXPECT_TRUE(outcome.said.ends_with(refusal + hint)) << "a command succeeded in between";
}

TEST(Script, NoRoomIsWaitedFor) {
  const auto outcome = run("start full\nsendenc a\nsendenc b\nstop\n");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.said;
  EXPECT_TRUE(outcome.has("[MQTT_OUT]: 61\n"));
  EXPECT_TRUE(outcome.has("[MQTT_OUT]: 62\n"));
}

TEST(Script, EndCallsAPendingStartOff) {
  ShellProcess shell(-1);
  shell.type("start never\n");
  ASSERT_TRUE(shell.says("state 2"));
  shell.end_input();
  EXPECT_EQ(shell.exit_code(), 1);
  EXPECT_TRUE(shell.says("fake: state 0"));
  EXPECT_TRUE(shell.says("error: the start was given up"));
}

TEST(Script, NoCommandRunsWhileStartIsPending) {
  ShellProcess shell(-1);
  shell.type("start never\nstatus\n");
  ASSERT_TRUE(shell.says("state 2"));
  shell.signal(SIGTERM);
  EXPECT_EQ(shell.exit_code(), 128 + SIGTERM);
  EXPECT_EQ(shell.said().find("sts: status"), std::string::npos);
}

TEST(Script, LinesAreOutAtOnce) {
  ShellProcess shell(-1);
  shell.type("help exit\n");
  EXPECT_TRUE(shell.says("exit: stop the session and leave the shell\n"));
  shell.end_input();
  EXPECT_EQ(shell.exit_code(), 0);
}

TEST(Script, InterruptStopsTheSession) {
  ShellProcess shell(-1);
  shell.type("start up\n");
  ASSERT_TRUE(shell.says("state 3"));
  shell.signal(SIGINT);
  EXPECT_TRUE(shell.says("fake: state 0"));
  EXPECT_EQ(shell.exit_code(), 128 + SIGINT);
}

TEST(Script, SecondSignalIsImpatient) {
  ShellProcess shell(-1);
  shell.type("start slow\n");
  ASSERT_TRUE(shell.says("state 3"));
  shell.signal(SIGTERM);
  ASSERT_TRUE(shell.says("state 4"));
  shell.signal(SIGTERM);
  EXPECT_TRUE(shell.says("fake: stop impatiently"));
  EXPECT_EQ(shell.exit_code(), 128 + SIGTERM);
}

TEST(Script, ProgramsRunInTurnAndHaveNoInput) {
  const auto outcome = run("!cat; echo one\n!echo two; umask; kill -9 $$\nhelp exit\n");
  EXPECT_EQ(outcome.exit_code, 1);
  const auto one = outcome.said.find("one\n"), two = outcome.said.find("two\n0022\n");
  const auto ended = outcome.said.find("ended by signal 9"), help = outcome.said.find("exit: stop");
  ASSERT_NE(help, std::string::npos) << outcome.said;
  EXPECT_LT(one, two);
  EXPECT_LT(two, ended);
  EXPECT_LT(ended, help);
}

TEST(Script, TooLongALineIsAnErrorAndTheNextRuns) {
  const auto outcome =
      run("sendenc " + std::string(ScriptInput::default_limit, 'x') + "\nhelp exit\n");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(outcome.has("error: a line of the input is longer"));
  EXPECT_TRUE(outcome.has("exit: stop"));
}

TEST(Script, GoneReaderEndsTheShell) {
  ShellProcess shell(-1);
  shell.stop_listening();
  shell.type("help\n");
  EXPECT_EQ(shell.exit_code(), 1);
}

}  // namespace
}  // namespace sts::shell
