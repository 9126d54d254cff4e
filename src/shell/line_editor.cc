#include "shell/line_editor.h"

#include <fmt/format.h>
#include <langinfo.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cwchar>
#include <cwctype>
#include <new>
#include <utility>

#include "shell/text.h"

namespace sts::shell {
namespace {

constexpr int prompt_width = 2;
constexpr int history_size = 500;
constexpr std::size_t most_listed = 200;
constexpr char end_of_input = '\4';  // what libedit makes of Ctrl-D on an empty line

char* prompt_text(EditLine*) { return const_cast<char*>(LineEditor::prompt); }

LineEditor& self(EditLine* editor) {
  void* data = nullptr;
  el_get(editor, EL_CLIENTDATA, &data);
  return *static_cast<LineEditor*>(data);
}

void write_terminal(std::string_view text) { write_all(STDOUT_FILENO, text); }

void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::string_view(nl_langinfo(CODESET)) != "UTF-8") std::setlocale(LC_CTYPE, "C.UTF-8");
}

}  // namespace

int cursor_row(int width, const wchar_t* begin, const wchar_t* end, int columns) {
  int row = 0;
  int column = width;
  const auto put = [&](int cells) {
    if (column + cells > columns) {
      ++row;
      column = 0;
    }
    column += cells;
    if (column >= columns) {
      ++row;
      column = 0;
    }
  };
  for (const wchar_t* c = begin; c != end; ++c) {
    const int cells = ::wcwidth(*c);
    if (cells >= 0) {
      put(cells);
      continue;
    }
    const bool control = *c < 0x20 || *c == 0x7F;
    const int shown = control ? 2 : *c < 0x10000 ? 7 : 8;  // ^X, \U+XXXX, \U+XXXXX
    for (int i = 0; i < shown; ++i) put(1);
  }
  return row;
}

LineEditor::LineEditor(asio::io_context& loop, InputHandler& handler,
                       std::function<Completions(std::string_view)> completer)
    : loop_(loop), handler_(handler), completer_(std::move(completer)), ready_(loop, STDIN_FILENO) {
  use_utf8();
  editor_ = el_init("sts", stdin, stdout, stderr);
  history_ = history_init();
  if (editor_ == nullptr || history_ == nullptr) throw std::bad_alloc();
  HistEvent event;
  history(history_, &event, H_SETSIZE, history_size);
  history(history_, &event, H_SETUNIQUE, 1);
  el_set(editor_, EL_CLIENTDATA, this);
  el_set(editor_, EL_SIGNAL, 0);
  el_set(editor_, EL_PROMPT, prompt_text);
  el_set(editor_, EL_EDITOR, "emacs");
  el_set(editor_, EL_HIST, history, history_);
  el_set(
      editor_, EL_GETCFN,
      +[](EditLine* editor, wchar_t* out) { return self(editor).get_character(out); });
  // The wide form: the other one never frees its copy of the names.
  el_wset(
      editor_, EL_ADDFN, L"sts-complete", L"completes a command or a path",
      +[](EditLine* editor, int) { return self(editor).complete_word(); });
  el_set(editor_, EL_BIND, "^I", "sts-complete", nullptr);
  el_set(editor_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  el_source(editor_, nullptr);
}

LineEditor::~LineEditor() {
  erase();
  leave();
  el_end(editor_);
  history_end(history_);
}

void LineEditor::next() {
  leave();
  editing_ = raw_ = true;
  el_set(editor_, EL_UNBUFFERED, 1);
  arm();
}

void LineEditor::leave() {
  editing_ = false;
  if (std::exchange(raw_, false)) el_set(editor_, EL_UNBUFFERED, 0);
}

void LineEditor::arm() {
  if (std::exchange(armed_, true)) return;
  ready_.wait([this] {
    armed_ = false;
    if (editing_ && !nested_) step();
  });
}

void LineEditor::step() {
  int size = 0;
  const char* text = el_gets(editor_, &size);
  if (loop_.stopped()) return;
  if (std::exchange(interrupted_, false)) {
    drop_line();
  } else if (ended_ || (size == 1 && text[0] == end_of_input)) {
    leave();
    write_terminal("\n");
    handler_.on_end();
    return;
  } else if (size > 0 && text[size - 1] == '\n') {
    std::string line(text, static_cast<std::size_t>(size) - 1);
    editing_ = false;
    HistEvent event;
    if (!trim(line).empty()) history(history_, &event, H_ENTER, line.c_str());
    handler_.on_line(std::move(line));
    return;
  }
  arm();
}

int LineEditor::get_character(wchar_t* out) {
  std::string bytes;
  while (wait_for_byte()) {
    char byte = 0;
    const ssize_t size = ::read(STDIN_FILENO, &byte, 1);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size <= 0) {
      ended_ = true;
      return 0;
    }
    bytes.push_back(byte);
    if (const auto point = first_code_point(bytes)) {
      *out = static_cast<wchar_t>(point->value);
      return 1;
    }
    // Bytes that can't become a character are dropped, but not the one that shows it.
    if (bytes.size() == 4 || (static_cast<unsigned char>(byte) & 0xC0U) != 0x80) bytes = byte;
    if ((static_cast<unsigned char>(bytes[0]) & 0xC0U) == 0x80) bytes.clear();
  }
  return 0;
}

/// libedit reads key sequences to their end in one go. So that the loop need not stand still in
/// between (somebody pressed Escape), it goes on from in here.
bool LineEditor::wait_for_byte() {
  nested_ = true;
  bool there = false;
  while (!there && !interrupted_) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    there = ::poll(&input, 1, 0) > 0;
    if (there) break;
    arm();
    if (loop_.run_one() == 0) break;
  }
  nested_ = false;
  return there;
}

void LineEditor::interrupt() {
  if (!editing_) return;
  if (nested_) {
    interrupted_ = true;
  } else {
    drop_line();
  }
}

void LineEditor::drop_line() {
  const LineInfoW* line = el_wline(editor_);
  const int below = cursor_row(prompt_width, line->buffer, line->lastchar, columns()) -
                    cursor_row(prompt_width, line->buffer, line->cursor, columns());
  write_terminal((below > 0 ? fmt::format("\033[{}B", below) : "") + "^C\n");
  next();
}

void LineEditor::erase() {
  if (!editing_) return;
  const LineInfoW* line = el_wline(editor_);
  const int above = cursor_row(prompt_width, line->buffer, line->cursor, columns());
  write_terminal((above > 0 ? fmt::format("\r\033[{}A", above) : "\r") + "\033[J");
}

void LineEditor::redraw() {
  if (editing_) el_set(editor_, EL_REFRESH);
}

void LineEditor::resized() {
  el_resize(editor_);
  erase();
  redraw();
}

void LineEditor::suspend() {
  if (!raw_) return;
  erase();
  el_set(editor_, EL_PREP_TERM, 0);
}

void LineEditor::resume() {
  if (!raw_) return;
  el_set(editor_, EL_PREP_TERM, 1);
  resized();
}

unsigned char LineEditor::complete_word() {
  const LineInfo* line = el_line(editor_);
  const std::string typed(line->buffer, line->cursor);
  const Completions found = completer_(typed);
  if (found.candidates.empty()) return CC_ERROR;

  std::string_view shared = found.candidates.front();
  for (const auto& candidate : found.candidates) shared = common_prefix(shared, candidate);
  std::string more(shared.substr(typed.size() - found.word));
  if (found.candidates.size() == 1) more += found.suffix;
  if (!more.empty()) return el_insertstr(editor_, more.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
  if (found.candidates.size() == 1) return CC_NORM;
  list(found);
  return CC_NORM;
}

void LineEditor::list(const Completions& found) {
  std::string text;
  const std::size_t shown = std::min(found.candidates.size(), most_listed);
  for (std::size_t i = 0; i < shown; ++i) text += found.candidates[i] + "  ";
  if (shown < found.candidates.size()) {
    text += fmt::format("and {} more", found.candidates.size() - shown);
  }
  erase();
  write_terminal(text + "\n");
  redraw();
}

int LineEditor::columns() const {
  int columns = 0;
  el_get(editor_, EL_GETTC, "co", &columns);
  return std::max(columns, 2);
}

}  // namespace sts::shell
