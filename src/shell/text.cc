#include "shell/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace sts::shell {
std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  const auto end = std::min(text.find_first_of(" \t\r"), text.size());
  const auto word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (auto word = take_word(text); !word.empty(); word = take_word(text)) out.push_back(word);
  return out;
}

Result<mqtt::Qos> parse_qos(std::string_view word) {
  if (word.size() == 1 && word[0] >= '0' && word[0] <= '2') {
    return static_cast<mqtt::Qos>(word[0] - '0');
  }
  return fail(Errc::bad_input, fmt::format("'{}' is no QoS", word), "0, 1 or 2");
}

std::string_view common_prefix(std::string_view a, std::string_view b) {
  auto size = static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                                       a.begin());
  while (size > 0 && size < a.size() && (static_cast<std::uint8_t>(a[size]) & 0xC0U) == 0x80) {
    --size;
  }
  return a.substr(0, size);
}

}  // namespace sts::shell
