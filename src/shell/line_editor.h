// Command lines from a terminal: editing, history, completion (libedit).
#pragma once

#include <histedit.h>

#include <asio/io_context.hpp>
#include <functional>
#include <string>

#include "shell/completion.h"
#include "shell/fd_ready.h"
#include "shell/input.h"
#include "shell/output.h"

namespace sts::shell {

/// Edits one line at a time on the standard input and output, which must be one terminal, while the
/// loop goes on. The history stays in memory and is never written to a file: the lines hold the
/// messages that people send. ~/.editrc counts.
class LineEditor : public Input, public Screen {
 public:
  static constexpr const char* prompt = "> ";

  /// `handler` must outlive the editor. The terminal is in its own mode only while a line is
  /// edited.
  LineEditor(asio::io_context& loop, InputHandler& handler,
             std::function<Completions(std::string_view)> completer);
  ~LineEditor() override;
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  void next() override;
  void erase() override;
  void redraw() override;

  /// Ctrl-C: drops the line and begins a new one.
  void interrupt();
  /// The terminal has another size.
  void resized();
  /// Gives the terminal back as it was found, until next(). Between lines it is kept: a Ctrl-D
  /// typed ahead would be lost on its way from one mode to the other.
  void leave();
  /// Around a stop of the process: gives the terminal back as it was found, and takes it again.
  void suspend();
  void resume();

 private:
  void arm();
  void step();
  void drop_line();
  bool wait_for_byte();
  int get_character(wchar_t* out);
  unsigned char complete_word();
  void list(const Completions& found);
  int columns() const;

  asio::io_context& loop_;
  InputHandler& handler_;
  std::function<Completions(std::string_view)> completer_;
  FdReady ready_;
  EditLine* editor_;
  History* history_;
  bool editing_ = false;      // the prompt is on the screen
  bool raw_ = false;          // the terminal is in the editor's mode
  bool armed_ = false;        // waiting for the terminal
  bool nested_ = false;       // in the middle of a key sequence
  bool interrupted_ = false;  // then
  bool ended_ = false;        // the terminal is gone
};

/// How many rows below the first one the cursor stands after `prompt_width` columns and the
/// characters [begin, end), on a terminal `columns` wide, where libedit shows control characters as
/// ^X.
int cursor_row(int prompt_width, const wchar_t* begin, const wchar_t* end, int columns);

}  // namespace sts::shell
