#include "shell/script_input.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include "shell/output.h"

namespace sts::shell {
namespace {

using std::string_literals::operator""s;

/// Writes down what it is told; asks for the next line by itself while `eager`.
struct Recorder : InputHandler {
  void on_line(std::string line) override { told("line " + line); }
  void on_long_line(std::size_t) override { told("long"); }
  void on_end() override { events.emplace_back("end"); }
  void told(std::string event) {
    events.push_back(std::move(event));
    if (eager) input->next();
  }
  std::vector<std::string> events;
  ScriptInput* input = nullptr;
  bool eager = true;
};

using Events = std::vector<std::string>;

class ScriptInputTest : public testing::Test {
 protected:
  /// Runs to the end with `descriptor` as input, which is closed.
  Events read_all(int descriptor, std::size_t limit = 16) {
    Recorder recorder;
    ScriptInput input(loop_, descriptor, recorder, limit);
    recorder.input = &input;
    input.next();
    loop_.restart();
    loop_.run();
    ::close(descriptor);
    return recorder.events;
  }
  static int pipe_with(const std::string& text) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::bad_alloc();
    write_all(ends[1], text);
    ::close(ends[1]);
    return ends[0];
  }

  asio::io_context loop_;
};

TEST_F(ScriptInputTest, LinesOfAPipeComeExactly) {
  EXPECT_EQ(read_all(pipe_with("one\n\ntw\0\xff\r\nlast"s)),
            (Events{"line one", "line ", "line tw\0\xff\r"s, "line last", "end"}));
  EXPECT_EQ(read_all(pipe_with("")), Events{"end"});
  EXPECT_EQ(read_all(pipe_with("one\n")), (Events{"line one", "end"}));
}

TEST_F(ScriptInputTest, RegularFileAndNullDevice) {
  std::string name = std::filesystem::temp_directory_path() / "sts-script-XXXXXX";
  const int file = ::mkstemp(name.data());
  std::filesystem::remove(name);
  write_all(file, "one\ntwo\n");
  ::lseek(file, 0, SEEK_SET);
  EXPECT_EQ(read_all(file), (Events{"line one", "line two", "end"}));
  EXPECT_EQ(read_all(::open("/dev/null", O_RDONLY)), Events{"end"});
}

TEST_F(ScriptInputTest, SocketIsNotMadeNonBlocking) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  write_all(ends[1], "one\n");
  Recorder recorder;
  ScriptInput input(loop_, ends[0], recorder);
  recorder.input = &input;
  input.next();
  while (recorder.events.empty()) loop_.run_one();
  EXPECT_EQ(::fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
  ::close(ends[1]);
  loop_.run();
  EXPECT_EQ(recorder.events, (Events{"line one", "end"}));
  ::close(ends[0]);
}

TEST_F(ScriptInputTest, LongLinesAreBoundedAndTold) {
  EXPECT_EQ(read_all(pipe_with(std::string(16, 'x') + "\n" + std::string(17, 'y') + "\nz\n")),
            (Events{"line " + std::string(16, 'x'), "long", "line z", "end"}));
  EXPECT_EQ(read_all(pipe_with(std::string(40000, 'x') + "\nz\n")),
            (Events{"long", "line z", "end"}));
  EXPECT_EQ(read_all(pipe_with(std::string(40000, 'x'))), (Events{"long", "end"}));
}

TEST_F(ScriptInputTest, WhoeverAsksForNothingLearnsTheEnd) {
  Recorder recorder;
  recorder.eager = false;
  const int descriptor = pipe_with("one\n");
  ScriptInput input(loop_, descriptor, recorder);
  input.next();
  loop_.run();
  EXPECT_EQ(recorder.events, (Events{"line one", "end"}));
  ::close(descriptor);
}

TEST_F(ScriptInputTest, EndIsNotToldBeforeTheLines) {
  Recorder recorder;
  recorder.eager = false;
  const int descriptor = pipe_with("one\ntwo");
  ScriptInput input(loop_, descriptor, recorder);
  input.next();
  loop_.run();
  EXPECT_EQ(recorder.events, Events{"line one"});
  input.next();
  loop_.restart();
  loop_.run();
  EXPECT_EQ(recorder.events, (Events{"line one", "line two", "end"}));
  ::close(descriptor);
}

}  // namespace
}  // namespace sts::shell
