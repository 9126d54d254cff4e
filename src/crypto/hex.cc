#include "crypto/hex.h"

#include <sodium.h>

#include <cstddef>

namespace sts::crypto {

std::string to_hex(ByteView bytes) {
  std::string text(2 * bytes.size() + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
}

Result<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) {
    return fail(Errc::bad_input, "hex comes in pairs of digits, this has " +
                                     std::to_string(text.size()) + " characters");
  }
  if (text.empty()) return Bytes();  // sodium_hex2bin takes no null pointer
  Bytes bytes(text.size() / 2);
  const char* end = text.data();
  sodium_hex2bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, nullptr, &end);
  if (end != text.data() + text.size()) {
    return fail(Errc::bad_input, "hex has a character that is not a hex digit");
  }
  return bytes;
}

}  // namespace sts::crypto
