#include "cli/format_pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace sts::cli {
namespace {

constexpr std::string_view fields = "%ACDEFIJPRSUXefjlpqrstx";
/// What the C library's strftime knows, and @N for the nanoseconds.
constexpr std::string_view times = "%aAbBcCdDeFgGhHIjklmMnNpPrRsStTuUVwWxXyYzZ";
constexpr std::string_view escapes = "\\0aenrtv";
constexpr std::string_view escaped{"\\\0\a\033\n\r\t\v", 8};
constexpr std::size_t widest = 65535;

}  // namespace

class Pattern::Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::vector<Piece>> run() {
    while (at_ < text_.size()) {
      start_ = at_;
      const char c = text_[at_++];
      auto done = c == '%' ? field() : c == '@' ? time() : c == '\\' ? escape() : literal(c);
      if (!done) return tl::unexpected(done.error());
    }
    return std::move(pieces_);
  }

 private:
  tl::unexpected<Error> wrong(std::string_view what, std::string hint) const {
    return fail(Errc::bad_input,
                fmt::format("the format has {} at character {}: {}", what, start_ + 1,
                            printable(text_.substr(start_, at_ - start_))),
                std::move(hint));
  }

  bool at_end() const { return at_ == text_.size(); }

  bool skip(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::size_t number() {
    std::size_t value = 0;
    for (; !at_end() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      value = std::min(value * 10 + static_cast<std::size_t>(text_[at_] - '0'), widest + 1);
    }
    return value;
  }

  Result<void> literal(char c) {
    if (pieces_.empty() || pieces_.back().kind != Kind::literal) pieces_.emplace_back();
    pieces_.back().text += c;
    return {};
  }

  Result<void> field() {
    Piece piece;
    piece.kind = Kind::field;
    piece.left = skip('-');
    if (skip('0')) piece.pad = '0';
    piece.width = number();
    if (skip('.')) piece.precision = number();
    if (at_end()) return wrong("an unfinished escape", "write %% for a percent sign");
    piece.what = text_[at_++];
    if (piece.width > widest || piece.precision.value_or(0) > widest) {
      return wrong("too large a width", fmt::format("{} is the largest", widest));
    }
    if (piece.what == 'm') {
      return wrong("an escape without a value here", "leave it out: messages have no id here");
    }
    if (fields.find(piece.what) == std::string_view::npos) {
      return wrong("an unknown escape",
                   "after % and flag - or 0, width and .maximum come the letters "
                   "ACDEFIJPRSUXefjlpqrstx, or % for a percent sign");
    }
    if (piece.what == '%') return literal('%');
    pieces_.push_back(std::move(piece));
    return {};
  }

  Result<void> time() {
    if (at_end()) return wrong("an unfinished escape", "write @@ for an at sign");
    const char c = text_[at_++];
    if (c == '@' || c == '%') return literal(c);
    if (times.find(c) == std::string_view::npos) {
      return wrong("an unknown time", "write @@ for an at sign, or a letter of strftime: @F @T @z");
    }
    auto& piece = pieces_.emplace_back();
    piece.kind = Kind::time;
    piece.what = c;
    return {};
  }

  Result<void> escape() {
    if (at_end()) return wrong("an unfinished escape", "write \\\\ for a backslash");
    const auto place = escapes.find(text_[at_++]);
    if (place == std::string_view::npos) {
      return wrong("an unknown escape", R"(use \\ \0 \a \e \n \r \t or \v)");
    }
    return literal(escaped[place]);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t start_ = 0;
  std::vector<Piece> pieces_;
};

Result<Pattern> Pattern::parse(std::string_view text) {
  auto pieces = Parser(text).run();
  if (!pieces) return tl::unexpected(pieces.error());
  Pattern pattern;
  pattern.pieces_ = std::move(*pieces);
  return pattern;
}

}  // namespace sts::cli
