// The shell: takes command lines from an input, runs them on a client, shows what happens.
#pragma once

#include <sys/types.h>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/client.h"
#include "shell/command.h"
#include "shell/input.h"
#include "shell/log.h"
#include "shell/output.h"
#include "shell/program.h"

namespace sts::shell {

class LineEditor;

/// What the world gives the shell, chosen by main() and by tests.
struct Environment {
  std::function<Result<client::Config>(const std::string& path)> load_config;
  std::function<WallTime()> now;
  mode_t program_umask = 022;  // for programs of the host
  std::string greeting;        // shown on a terminal only; may be empty
};

/// Standard input, output and error are the shell's. On a terminal it edits lines, and a command
/// that takes time leaves the prompt usable; elsewhere it reads a script, each command ending
/// before the next begins.
class Shell : private client::Observer, private InputHandler {
 public:
  /// How long `start` waits in a script whose config has no timeout.
  static constexpr std::chrono::seconds script_timeout{30};

  Shell(asio::io_context& loop, std::vector<Command> commands, Environment environment);
  ~Shell() override;
  Shell(const Shell&) = delete;
  Shell& operator=(const Shell&) = delete;

  /// What the client that run() gets has to report to.
  client::Observer& observer() { return *this; }

  /// Runs the loop until the input ends, `exit`, or a signal; the session was stopped properly
  /// then. Returns the exit code: on a terminal 0; in a script 1 if any command failed; 128 + the
  /// signal's number.
  int run(client::Messenger& client);

  // For commands, within run():
  enum class Progress { waiting, done, failed };

  client::Messenger& client() { return *client_; }
  const std::vector<Command>& commands() const { return commands_; }
  const Environment& environment() const { return environment_; }
  /// Commands have to end before the next begins.
  bool scripted() const { return !terminal_; }
  /// A line of the command's own on the standard output.
  void print(std::string_view text) { output_.line(text); }
  void log(client::Level level, std::string_view text) { log_.line(level, text); }
  /// "error: ..." and "hint: ..." on the standard error; the command counts as failed.
  void report(const Error& error);
  /// No line is taken before `check` says done or failed. It is asked now, and after each event of
  /// the client and each recheck(). A failure that it tells has been shown.
  void wait(std::function<Progress()> check);
  void recheck();
  /// A start is under way: Ctrl-C and the end of the input call it off.
  void set_starting(bool starting) { starting_ = starting; }
  /// Hands the terminal, or what there is of it, to a program; `ended` comes from the loop.
  Result<void> run_program(const std::string& command, std::function<void(int status)> ended);
  /// Stops the session properly, then ends run().
  void end(int exit_code);

 private:
  void on_log(client::Level level, const std::string& line) override;
  void on_message(const std::string& peer, ByteView message) override;
  void on_sent(ByteView wire) override;
  void on_state(client::State state, const std::optional<Error>& failed) override;
  void on_room() override;

  void on_line(std::string line) override;
  void on_long_line(std::size_t limit) override;
  void on_end() override;

  void go_on();
  void listen_for_signals();
  void next_signal();
  void on_signal(int signal);
  void on_interrupt();
  void suspend();

  asio::io_context& loop_;
  std::vector<Command> commands_;
  Environment environment_;
  bool terminal_;  // the standard input is one
  Output output_;
  Log log_;
  asio::signal_set signals_;
  ProgramRunner program_;
  client::Messenger* client_ = nullptr;
  std::unique_ptr<Input> input_;
  LineEditor* editor_ = nullptr;  // input_, where it is one
  std::function<Progress()> check_;
  bool in_command_ = false;
  bool starting_ = false;
  bool failed_ = false;       // any command, or a session
  bool input_ended_ = false;  // while a command was waiting
  std::optional<int> ending_;
};

}  // namespace sts::shell
