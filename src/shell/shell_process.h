// For the tests of the shell: a shell with a fake client in a process of its own.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asio/posix/stream_descriptor.hpp>
#include <asio/read_until.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>

#include "shell/commands.h"
#include "shell/fake_messenger.h"
#include "shell/output.h"
#include "shell/shell.h"

namespace sts::shell {

/// Each line that can be read from a descriptor is shown as a message of the peer.
class Events {
 public:
  /// `descriptor` is owned; -1: none.
  Events(asio::io_context& loop, Shell& shell, int descriptor) : stream_(loop), shell_(shell) {
    if (descriptor < 0) return;
    stream_.assign(descriptor);
    read();
  }

 private:
  void read() {
    asio::async_read_until(stream_, asio::dynamic_buffer(text_), '\n',
                           [this](std::error_code error, std::size_t size) {
                             if (error) return;
                             shell_.show("[MQTT_INC]: " + text_.substr(0, size - 1));
                             text_.erase(0, size);
                             read();
                           });
  }

  asio::posix::stream_descriptor stream_;
  Shell& shell_;
  std::string text_;
};

/// Runs the shell on the standard descriptors; what the child process of a test does.
[[noreturn]] inline void run_shell_and_exit(int events) {
  std::signal(SIGPIPE, SIG_IGN);
  int code = 0;
  {
    asio::io_context loop(1);
    Environment environment;
    environment.load_config = [](const std::string& path) -> Result<client::Config> {
      if (path == "missing") return fail(Errc::bad_input, "missing: no such file", "make it");
      client::Config config;
      config.name = path;
      if (path == "plant") config.mode = client::Mode::channel;
      return config;
    };
    environment.make_client = [&loop](client::Observer& observer) {
      return std::make_unique<FakeMessenger>(loop, observer);
    };
    environment.now = std::chrono::system_clock::now;
    environment.greeting = "welcome";
    Shell shell(loop, builtin_commands(), std::move(environment));
    Events messages(loop, shell, events);
    code = shell.run();
  }
  _exit(code);
}

/// The parent's side: feeds the child, collects what it says, and ends it when the test is over.
class ShellProcess {
 public:
  static constexpr std::chrono::seconds patience{20};

  ~ShellProcess() {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      kill(child_, SIGCONT);
      waitpid(child_, nullptr, 0);
    }
    for (const int fd : {in_, out_, events_}) {
      if (fd >= 0) close(fd);
    }
  }
  ShellProcess(const ShellProcess&) = delete;
  ShellProcess& operator=(const ShellProcess&) = delete;

  /// On a new terminal of that size.
  ShellProcess(unsigned short rows, unsigned short columns, const char* term = "xterm") {
    int events[2];
    if (pipe(events) != 0) throw std::bad_alloc();
    std::fflush(nullptr);  // or the child would say again what the test said
    winsize size{rows, columns, 0, 0};
    child_ = forkpty(&out_, nullptr, nullptr, &size);
    if (child_ == 0) {
      setenv("TERM", term, 1);
      setenv("NO_COLOR", "1", 1);
      setenv("EDITRC", "/dev/null", 1);
      close(events[1]);
      run_shell_and_exit(events[0]);
    }
    close(events[0]);
    events_ = events[1];
    in_ = dup(out_);
  }

  /// With `input` (taken over; -1: a new pipe, see type()) as standard input, and one pipe for both
  /// outputs.
  explicit ShellProcess(int input) {
    int feed[2] = {input, -1};
    int output[2];
    if ((input < 0 && pipe(feed) != 0) || pipe(output) != 0) throw std::bad_alloc();
    std::fflush(nullptr);
    child_ = fork();
    if (child_ == 0) {
      dup2(feed[0], STDIN_FILENO);
      dup2(output[1], STDOUT_FILENO);
      dup2(output[1], STDERR_FILENO);
      close_range(3, ~0U, 0);
      run_shell_and_exit(-1);
    }
    close(feed[0]);
    close(output[1]);
    in_ = feed[1];
    out_ = output[0];
  }

  void type(std::string_view text) { ASSERT_TRUE(write_all(in_, text)); }
  void end_input() {
    close(in_);
    in_ = -1;
  }
  void stop_listening() {
    close(out_);
    out_ = -1;
  }
  void peer_sends(const std::string& message) { ASSERT_TRUE(write_all(events_, message + "\n")); }
  void signal(int number) { ASSERT_EQ(kill(child_, number), 0); }
  int terminal() const { return out_; }

  /// Reads until `seen(everything so far)`; false at the end of the output or of the patience.
  template <typename Seen>
  bool wait_until(Seen seen) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!seen(said_)) {
      pollfd output{out_, POLLIN, 0};
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0 || poll(&output, 1, static_cast<int>(left.count())) <= 0) return false;
      char chunk[4096];
      const ssize_t size = read(out_, chunk, sizeof chunk);
      if (size <= 0) return seen(said_);
      said_.append(chunk, static_cast<std::size_t>(size));
    }
    return true;
  }
  bool says(const std::string& text) {
    return wait_until(
        [&](const std::string& said) { return said.find(text) != std::string::npos; });
  }
  const std::string& said() const { return said_; }
  void forget() { said_.clear(); }

  /// Reads to the end and returns the exit code, 128 + the signal that ended it.
  int exit_code() {
    if (out_ >= 0) wait_until([](const std::string&) { return false; });
    int status = 0;
    waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  /// Waits until the process was stopped by job control.
  bool stopped() {
    int status = 0;
    return waitpid(child_, &status, WUNTRACED) == child_ && WIFSTOPPED(status);
  }

 private:
  pid_t child_ = -1;
  int in_ = -1, out_ = -1, events_ = -1;
  std::string said_;
};

}  // namespace sts::shell
