#include "cli/format_bytes.h"

#include <sodium.h>

#include <algorithm>

#include "base/text.h"

namespace sts::cli {

void append_hex(std::string& out, ByteView bytes, bool upper_case) {
  const char* digits = upper_case ? "0123456789ABCDEF" : "0123456789abcdef";
  for (const std::uint8_t byte : bytes) {
    out += digits[byte >> 4U];
    out += digits[byte & 0xFU];
  }
}

void append_base64(std::string& out, ByteView bytes) {
  constexpr int variant = sodium_base64_VARIANT_ORIGINAL;
  const std::size_t before = out.size();
  const std::size_t size = sodium_base64_encoded_len(bytes.size(), variant);
  out.resize(before + size);
  sodium_bin2base64(out.data() + before, size, bytes.data(), bytes.size(), variant);
  out.pop_back();  // the terminator
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto point = first_code_point(text);
    if (!point) return false;
    text.remove_prefix(point->size);
  }
  return true;
}

void append_word(std::string& out, std::string_view text, bool terminal) {
  if (terminal) {
    out += printable(text);
  } else {
    out += text;
  }
}

void append_lines(std::string& out, std::string_view text, bool terminal) {
  if (!terminal) {
    out += text;
    return;
  }
  while (true) {
    const auto end = std::min(text.find_first_of("\n\t"), text.size());
    out += printable(text.substr(0, end));
    if (end == text.size()) return;
    out += text[end];
    text.remove_prefix(end + 1);
  }
}

}  // namespace sts::cli
