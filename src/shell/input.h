// Where command lines come from.
#pragma once

#include <string>

namespace sts::shell {

/// What an input tells, always from the event loop.
class InputHandler {
 public:
  virtual ~InputHandler() = default;
  /// The line that next() asked for, without its newline.
  virtual void on_line(std::string line) = 0;
  /// The same, where the line was longer than `limit` bytes and was thrown away.
  virtual void on_long_line(std::size_t limit) = 0;
  /// Nothing follows. May come without next(): whoever waits for something learns that nobody will
  /// come.
  virtual void on_end() = 0;
};

class Input {
 public:
  virtual ~Input() = default;
  /// Asks for one line more, or for the end.
  virtual void next() = 0;
};

}  // namespace sts::shell
