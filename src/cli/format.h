// How `sts sub` shows a message: with the habits of mosquitto_sub, and as JSON, hex or base64.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/format_pattern.h"
#include "client/received.h"

namespace sts::cli {

enum class Style : std::uint8_t { text, json, hex, base64, raw };

/// text, json, hex, base64 or raw; Errc::bad_input otherwise.
Result<Style> parse_style(std::string_view name);

struct FormatChoices {
  Style style = Style::text;
  /// The topic goes before the payload, as "TOPIC PAYLOAD". Of an encrypted message it is
  /// "+SENDER TOPIC PAYLOAD", on a channel "+SENDER(AGEs) ..." where the sender's clock tells its
  /// age, or "+SENDER(will) ...": no topic that one can publish to has a plus sign, so nobody can
  /// forge that with a message in the clear. JSON has all of it anyway.
  bool verbose = false;
  bool newline = true;                      // after each message; never with Style::raw
  std::optional<std::string> pattern = {};  // -F; overrides `verbose`
  /// The output is a terminal: what a message brings along loses its power over it. In raw style
  /// nothing is changed.
  bool terminal = false;
};

class Formatter {
 public:
  /// Errc::bad_input where the pattern is wrong or the choices exclude each other.
  static Result<Formatter> make(const FormatChoices& choices);

  /// Appends the message to `out`. Like mosquitto_sub, text without a pattern shows nothing of an
  /// empty payload, unless verbose: "(null)". On an error, which only %J of a payload that is not
  /// JSON gives, `out` is as before.
  Result<void> format(const client::Received& received, std::string& out) const;

 private:
  explicit Formatter(const FormatChoices& choices) : choices_(choices) {}
  void plain(const client::Received& received, std::string& out) const;

  FormatChoices choices_;
  std::optional<Pattern> pattern_;
};

}  // namespace sts::cli
