// Bytes and texts of messages, appended in the forms that the formats share.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace sts::cli {

/// Pairs of hex digits, unbroken.
void append_hex(std::string& out, ByteView bytes, bool upper_case = false);
/// RFC 4648, with padding.
void append_base64(std::string& out, ByteView bytes);

bool is_utf8(std::string_view text);

/// As it is; on a terminal without control characters (they become \n, \x1b and so on) and without
/// characters that reorder text.
void append_word(std::string& out, std::string_view text, bool terminal);
/// The same, but line ends and tabs stay.
void append_lines(std::string& out, std::string_view text, bool terminal);

}  // namespace sts::cli
