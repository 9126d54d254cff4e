// Where everything that the shell shows goes out, in whole lines.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sts::shell {

/// Writes all of `bytes`, at once or after a wait for room. False where the reader has gone for
/// good.
bool write_all(int descriptor, std::string_view bytes);

/// What stands on the terminal besides the lines: the one that is being typed.
class Screen {
 public:
  virtual ~Screen() = default;
  /// Takes the half-typed line off the screen; the cursor is then where a whole line may be
  /// written.
  virtual void erase() = 0;
  /// Draws it again, cursor and all.
  virtual void redraw() = 0;
};

/// Writes whole lines, unbuffered, so that each is out when the call returns, also into a pipe.
/// Waits where the reader is slow.
class Output {
 public:
  /// Lines beyond this many bytes are dropped while the output is held.
  static constexpr std::size_t hold_limit = std::size_t{256} << 10U;

  /// Neither descriptor is owned.
  Output(int out, int err) : out_(out), err_(err) {}

  /// `text` has no newline at its end; it may have some within.
  void line(std::string_view text) { put(out_, text); }
  /// To the standard error; the same otherwise.
  void error(std::string_view text) { put(err_, text); }

  /// Whose half-typed line makes way for each line; nullptr: nobody's. Not owned.
  void set_screen(Screen* screen) { screen_ = screen; }
  /// Called once, when the reader of the standard output has gone for good.
  void on_broken(std::function<void()> call) { on_broken_ = std::move(call); }

  /// Keeps lines back, while a program of the host owns the terminal, until release(), which writes
  /// them and says how many did not fit.
  void hold() { held_ = true; }
  void release();

 private:
  void put(int descriptor, std::string_view text);
  void keep(int descriptor, std::string_view text);
  void write(int descriptor, std::string_view bytes);

  int out_, err_;
  Screen* screen_ = nullptr;
  std::function<void()> on_broken_;
  bool held_ = false, broken_ = false;
  struct Kept {
    int descriptor;
    std::string lines;
  };
  std::vector<Kept> kept_;  // in order; neighbours have different descriptors
  std::size_t kept_size_ = 0;
  std::size_t dropped_ = 0;
};

}  // namespace sts::shell
