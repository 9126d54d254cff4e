// The shell: takes command lines from an input, runs them on sessions, shows what happens.
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
#include "client/messenger.h"
#include "shell/command.h"
#include "shell/input.h"
#include "shell/log.h"
#include "shell/output.h"
#include "shell/program.h"
#include "shell/sessions.h"
#include "shell/settings.h"
#include "shell/source.h"
#include "shell/watch.h"

namespace sts::shell {

class LineEditor;

/// What the world gives the shell, chosen by main() and by tests.
struct Environment {
  std::function<Result<client::Config>(const std::string& path)> load_config;
  /// A client for one session; it is destroyed before the loop.
  MakeClient make_client;
  std::function<WallTime()> now;
  mode_t program_umask = 022;  // for programs of the host
  std::string greeting;        // shown on a terminal only; may be empty
};

/// Standard input, output and error are the shell's. On a terminal it edits lines, and a command
/// that takes time leaves the prompt usable; elsewhere it reads a script, each command ending
/// before the next begins.
class Shell : private SessionOwner, private InputHandler {
 public:
  /// How long `start` waits in a script whose config has no timeout.
  static constexpr std::chrono::seconds script_timeout{30};

  Shell(asio::io_context& loop, std::vector<Command> commands, Environment environment);
  ~Shell() override;
  Shell(const Shell&) = delete;
  Shell& operator=(const Shell&) = delete;

  /// Runs the loop until the input ends, `exit`, or a signal; all sessions were stopped properly
  /// then. Returns the exit code: on a terminal 0; in a script 1 if any command failed; 128 + the
  /// signal's number.
  int run();

  // For commands, within run():
  enum class Progress { waiting, done, failed };

  Sessions& sessions() { return sessions_; }
  /// The current one, or why there is none.
  Result<Sessions::Pointer> session() const;
  /// Starts a session, which becomes the current one; in a script the command ends when it is up.
  Result<void> open(client::Config config);
  const std::vector<Command>& commands() const { return commands_; }
  const Environment& environment() const { return environment_; }
  Settings& settings() { return settings_; }
  Watch& watch() { return watch_; }
  /// Commands have to end before the next begins.
  bool scripted() const { return !terminal_ || !sources_.empty(); }
  /// Reads the next commands from a file.
  Result<void> source(const std::string& path) { return sources_.push(path); }
  /// A line of the command's own on the standard output.
  void print(std::string_view text) { output_.line(text); }
  /// The same as a log line, whatever the level of the log is.
  void show(const std::string& text) { log_.show({client::Level::info, text}); }
  Log& log() { return log_; }
  /// "error: ..." (with FILE:LINE where there is one) and "hint: ..." on the standard error; the
  /// command counts as failed. In a script a hint that was shown for the command before isn't
  /// repeated.
  void report(const Error& error);
  /// No line is taken before `check` says done or failed. It is asked now, and after each event of
  /// the client and each recheck(). A failure that it tells has been shown.
  void wait(std::function<Progress()> check);
  void recheck();
  /// Hands the terminal, or what there is of it, to a program; `ended` comes from the loop.
  Result<void> run_program(const std::string& command, std::function<void(int status)> ended);
  /// Stops all sessions properly, then ends run().
  void end(int exit_code);

 private:
  void on_log(const Session& session, const client::Line& line) override;
  void on_message(const Session& session, const client::Received& received) override;
  void on_sent(const Session& session, ByteView wire) override;
  void on_state(const Session& session, client::State state,
                const std::optional<Error>& failed) override;
  void on_room() override { recheck(); }
  void on_answer() override { recheck(); }
  void on_failed() override { failed_ = true; }
  std::string prefix(const Session& session) const;

  void on_line(std::string line) override;
  void on_long_line(std::size_t limit) override;
  void on_end() override;

  void run_line(const std::string& line);
  void go_on();
  bool starting() const { return sessions_.current() && sessions_.current()->starting(); }
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
  Sessions sessions_;
  Settings settings_;
  Watch watch_;
  Sources sources_;
  std::unique_ptr<Input> input_;
  LineEditor* editor_ = nullptr;     // input_, where it is one
  std::function<Progress()> check_;  // of the command that goes on
  bool in_command_ = false;
  bool failed_ = false;       // any command, or a session
  bool input_ended_ = false;  // while a command was waiting
  std::string last_hint_;     // of report(), since a command succeeded
  std::optional<int> ending_;
};

}  // namespace sts::shell
