// Command lines from a pipe, a socket, a file, or a terminal that nobody edits lines on.
#pragma once

#include <asio/io_context.hpp>
#include <string>

#include "shell/fd_ready.h"
#include "shell/input.h"

namespace sts::shell {

/// Hands out lines one by one, bytes exactly as they came. While no line is asked for it reads
/// ahead by one line at most, to notice the end.
class ScriptInput : public Input {
 public:
  static constexpr std::size_t default_limit = std::size_t{1} << 20U;

  /// `descriptor` is not owned; `handler` must outlive the input. `limit`: bytes of the longest
  /// line.
  ScriptInput(asio::io_context& loop, int descriptor, InputHandler& handler,
              std::size_t limit = default_limit);

  void next() override;

 private:
  void pump();
  void deliver();
  void skip();
  void read_some();

  asio::io_context& loop_;
  int descriptor_;
  InputHandler& handler_;
  std::size_t limit_;
  bool ahead_;  // not on a terminal: what is typed may be for a program of the host
  FdReady ready_;
  std::string buffer_;
  bool asked_ = false, reading_ = false, ended_ = false, end_told_ = false;
  bool skipping_ = false;   // inside a line that is too long
  bool long_line_ = false;  // one was skipped, and not told yet
};

}  // namespace sts::shell
