#include "shell/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>

#include "shell/status.h"

namespace sts::shell {
namespace {

using client::Level;

// 2026-01-31 12:00:00.123 UTC
const WallTime noon{std::chrono::milliseconds(1769860800123)};

class LogTest : public testing::Test {
 protected:
  LogTest() {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    if (::pipe(pipe_) != 0 || ::pipe(errors_) != 0) throw std::bad_alloc();
    for (const int fd : {pipe_[0], errors_[0]}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  ~LogTest() override {
    ::unsetenv("TZ");
    ::tzset();
    for (const int fd : {pipe_[0], pipe_[1], errors_[0], errors_[1]}) ::close(fd);
  }

  /// What a reader of the pipe has by now: lines must be out when the call returns.
  std::string piped() { return read_from(pipe_[0]); }
  std::string errors() { return read_from(errors_[0]); }
  static std::string read_from(int descriptor) {
    char text[4096];
    const ssize_t size = ::read(descriptor, text, sizeof text);
    return {text, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }

  int pipe_[2], errors_[2];
};

TEST_F(LogTest, LinesHaveTheKnownForm) {
  EXPECT_EQ(format_log_line(noon, Level::info, "up", false),
            "2026-01-31 12:00:00.123 - [INFO]  # up");
  EXPECT_EQ(format_log_line(noon, Level::warning, "up", false),
            "2026-01-31 12:00:00.123 - [WARN]  # up");
  EXPECT_EQ(format_log_line(noon, Level::error, "up", false),
            "2026-01-31 12:00:00.123 - [ERROR] # up");
  EXPECT_EQ(format_log_line(noon, Level::error, "up", true),
            "2026-01-31 12:00:00.123 - \033[31m[ERROR]\033[0m # up");
  EXPECT_EQ(format_log_line(noon - std::chrono::milliseconds(123), Level::info, "", false),
            "2026-01-31 12:00:00.000 - [INFO]  # ");
}

TEST_F(LogTest, MessagesAreFlushedAndHarmless) {
  Output output(pipe_[1], pipe_[1]);
  Log log(
      output, [] { return noon; }, false);
  const std::string head = "2026-01-31 12:00:00.123 - [INFO]  # ";
  log.incoming("", "", as_bytes("h\u00e4\033[2J\nx"));
  EXPECT_EQ(piped(), head + "[MQTT_INC]: h\u00e4\\x1b[2J\\nx\n");
  log.incoming("", "gate", as_bytes("hi"));
  EXPECT_EQ(piped(), head + "[MQTT_INC] gate: hi\n");
  log.outgoing("pump: ", as_bytes("hi\xff"));
  EXPECT_EQ(piped(), head + "pump: [MQTT_OUT]: 6869ff\n");
}

TEST_F(LogTest, AnErrorAndItsHintGoToTheStandardErrorAndAllElseToTheOutput) {
  Output output(pipe_[1], errors_[1]);
  Log log(
      output, [] { return noon; }, false);
  const std::string head = "2026-01-31 12:00:00.123 - ";
  log.line({Level::error, "no session", "start the\npeer"});
  log.line({Level::warning, "still waiting", "look at it"});
  log.line({Level::info, "session stopped"});
  EXPECT_EQ(errors(), head + "[ERROR] # no session\nhint: start the\\npeer\n");
  EXPECT_EQ(piped(), head + "[WARN]  # still waiting\nhint: look at it\n" + head +
                         "[INFO]  # session stopped\n");
}

TEST_F(LogTest, HeldLinesKeepTheirStream) {
  Output output(pipe_[1], errors_[1]);
  output.hold();
  output.line("one");
  output.error("two");
  output.line("three");
  output.release();
  EXPECT_EQ(piped(), "one\nthree\n");
  EXPECT_EQ(errors(), "two\n");
}

TEST_F(LogTest, HeldLinesComeLaterAndAreBounded) {
  Output output(pipe_[1], pipe_[1]);
  output.hold();
  output.line("one");
  output.error("two");
  output.line(std::string(Output::hold_limit, 'x'));
  output.release();
  EXPECT_EQ(piped(), "one\ntwo\nerror: 1 line was dropped while the program had the terminal\n");
  output.line("three");
  EXPECT_EQ(piped(), "three\n");
}

TEST_F(LogTest, GoneReaderIsToldOnce) {
  std::signal(SIGPIPE, SIG_IGN);
  Output output(pipe_[1], pipe_[1]);
  int told = 0;
  output.on_broken([&] { ++told; });
  ::close(pipe_[0]);
  output.line("one");
  output.line("two");
  EXPECT_EQ(told, 1);
  pipe_[0] = ::open("/dev/null", O_RDONLY);
}

TEST_F(LogTest, LineMakesTheScreenGiveWay) {
  struct : Screen {
    std::string did;
    void erase() override { did += "erase "; }
    void redraw() override { did += "redraw "; }
  } screen;
  Output output(pipe_[1], pipe_[1]);
  output.set_screen(&screen);
  output.line("one");
  EXPECT_EQ(screen.did, "erase redraw ");
}

TEST(Status, ShowsTheTruthAndNothingWhenOffline) {
  client::Status status;
  EXPECT_EQ(status_lines(status), std::vector<std::string>{"sts: status:          OFFLINE"});

  status.state = client::State::up;
  status.url = "localhost";
  status.port = 1883;
  status.cipher = "none";
  client::PeerStatus peer;
  peer.name = "gate";
  peer.fingerprint = "1f2e-3d4c";
  peer.up = true;
  peer.age = std::chrono::seconds(125);
  peer.sealed = 7;
  status.peers.push_back(peer);
  std::string all;
  for (const auto& line : status_lines(status)) all += line + "\n";
  for (const char* part :
       {"status:          ONLINE\n", "broker_url:      localhost\n", "broker_port:     1883\n",
        "cipher:          none\n", "peer:            gate\n", "1f2e-3d4c\n", "up for 2 min 5 s\n",
        "frames sealed: 7\n"}) {
    EXPECT_NE(all.find(part), std::string::npos) << part << "\n" << all;
  }
}

TEST(Status, Age) {
  EXPECT_EQ(format_age(std::chrono::seconds(59)), "59 s");
  EXPECT_EQ(format_age(std::chrono::hours(3)), "3 h 0 min");
  EXPECT_EQ(format_age(std::chrono::hours(52)), "2 d 4 h");
}

}  // namespace
}  // namespace sts::shell
