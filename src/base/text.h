// Text in UTF-8, taken apart.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sts {

struct CodePoint {
  char32_t value = 0;
  std::size_t size = 0;  // bytes of UTF-8
};

/// The code point that `text` begins with; nullopt where those bytes are not UTF-8 (RFC 3629: no
/// overlong forms, no surrogates, nothing above U+10FFFF).
std::optional<CodePoint> first_code_point(std::string_view text);

/// Whether all of `text` is UTF-8.
bool valid_utf8(std::string_view text);

/// `text` on one line and without power over a terminal: control characters, invalid UTF-8 and the
/// characters that reorder text or break lines become \n, \r, \t, \xHH or \u{H...}; all else, the
/// backslash too, stays as it is.
std::string printable(std::string_view text);

/// Without the blanks (space, tab, carriage return) around it.
std::string_view trim(std::string_view text);

}  // namespace sts
