#include "client/config_lines.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "store/file.h"

namespace sts::client {
namespace {

constexpr std::size_t longest_key = 64;
constexpr std::size_t longest_mqtt_string = 65535;

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; }

}  // namespace

const ConfigLine* ConfigLines::find(std::string_view key) const {
  const auto line = std::find_if(lines.begin(), lines.end(),
                                 [&](const ConfigLine& candidate) { return candidate.key == key; });
  return line == lines.end() ? nullptr : &*line;
}

tl::unexpected<Error> fail_at(const std::string& path, std::size_t line, std::string_view message,
                              std::string hint) {
  return fail(Errc::bad_input, fmt::format("{}:{}: {}", path, line, message), std::move(hint));
}

Result<ConfigLines> split_config(const std::string& path, std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  ConfigLines result;
  std::size_t number = 0;
  for (const auto whole : store::split_lines(text)) {
    result.count = ++number;
    const auto line = trim(whole);
    if (line.empty() || line.starts_with('#')) continue;
    const auto equals = line.find('=');
    const auto key = trim(line.substr(0, equals));
    if (std::any_of(line.begin(), line.end(), is_control) || !valid_utf8(key)) {
      return fail_at(path, number, "a control character or a byte that is no text",
                     "a config is lines of 'key = value' in UTF-8");
    }
    if (equals == std::string_view::npos || key.empty()) {
      return fail_at(path, number, equals == 0 ? "no key before the '='" : "no '=' in this line",
                     "write 'key = value', or '#' at the start of a comment");
    }
    if (key.size() > longest_key) {
      return fail_at(path, number, "no key is that long", "sts.conf(5) lists the keys");
    }
    const auto value = trim(line.substr(equals + 1));
    if (value.size() > longest_mqtt_string) {
      return fail_at(path, number, fmt::format("'{}' is longer than 65535 bytes", key),
                     "shorten the value");
    }
    if (key != "password" && !valid_utf8(value)) {
      return fail_at(path, number, fmt::format("'{}' is not UTF-8", key),
                     "save the file in the encoding UTF-8");
    }
    result.lines.push_back({number, key, value});
  }
  return result;
}

}  // namespace sts::client
