// Programs of the host, for `!CMD`.
#pragma once

#include <sys/types.h>
#include <termios.h>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace sts::shell {

/// Runs one program at a time by `sh -c`, while the loop goes on.
class ProgramRunner {
 public:
  /// What the program gets as standard input.
  enum class Stdin {
    terminal,  // the shell's own; the program owns the terminal until it ends
    nothing,   // /dev/null: the shell's own is a script
  };

  /// `umask` is what programs get.
  ProgramRunner(asio::io_context& loop, mode_t umask) : child_ended_(loop), umask_(umask) {}
  /// Takes the terminal back from a program that still runs; it is hung up on.
  ~ProgramRunner();

  /// `ended` gets waitpid()'s status, from the loop, after the terminal was taken back.
  Result<void> run(const std::string& command, Stdin input, std::function<void(int)> ended);
  /// With the descriptor, which stays the caller's, as standard input, and these variables alone
  /// ("NAME=value").
  Result<void> run(const std::string& command, int input,
                   const std::vector<std::string>& environment, std::function<void(int)> ended);
  bool running() const { return child_ > 0; }
  /// Sends `signal` to the program and its children, if one runs.
  void forward(int signal);

 private:
  struct Start;
  [[noreturn]] static void become(const Start& how, mode_t umask);
  Result<void> start(const Start& how, std::function<void(int)> ended);
  void wait();
  void take_terminal_back();

  asio::signal_set child_ended_;
  mode_t umask_;
  pid_t child_ = 0;
  bool lent_ = false;  // the terminal
  termios modes_{};
  std::function<void(int)> ended_;
};

/// "ended with exit code 3", "was ended by signal 9 (Killed)"; empty where `status` is success.
std::string describe_exit(int status);

}  // namespace sts::shell
