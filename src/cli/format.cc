#include "cli/format.h"

#include <fmt/format.h>

#include "cli/format_bytes.h"
#include "cli/format_json.h"

namespace sts::cli {
namespace {

void append_payload(std::string& out, ByteView payload, const FormatChoices& choices) {
  switch (choices.style) {
    case Style::hex:
      return append_hex(out, payload);
    case Style::base64:
      return append_base64(out, payload);
    default:
      append_lines(out, as_text(payload), choices.terminal);
  }
}

}  // namespace

Result<Style> parse_style(std::string_view name) {
  if (name == "text") return Style::text;
  if (name == "json") return Style::json;
  if (name == "hex") return Style::hex;
  if (name == "base64") return Style::base64;
  if (name == "raw") return Style::raw;
  return fail(Errc::bad_input, fmt::format("there is no output format \"{}\"", name),
              "use text, json, hex, base64 or raw; a format of your own goes with -F");
}

Result<Formatter> Formatter::make(const FormatChoices& choices) {
  if (choices.pattern && choices.style != Style::text) {
    return fail(Errc::bad_input, "-F and --format exclude each other",
                "give one of them; with -F, %x is hex and %j is JSON");
  }
  if (choices.verbose && choices.style == Style::raw) {
    return fail(Errc::bad_input, "the raw format has no place for the topic that -v shows",
                "leave out -v, or use --format json");
  }
  Formatter formatter(choices);
  if (choices.pattern) {
    auto pattern = Pattern::parse(*choices.pattern);
    if (!pattern) return tl::unexpected(pattern.error());
    formatter.pattern_ = std::move(*pattern);
  }
  return formatter;
}

Result<void> Formatter::format(const client::Received& received, std::string& out) const {
  if (pattern_) {
    auto done = pattern_->append(out, received, choices_.terminal);
    if (!done) return done;
    if (choices_.newline) out += '\n';
  } else if (choices_.style == Style::json) {
    append_json(out, received, choices_.terminal);
    if (choices_.newline) out += '\n';
  } else if (choices_.style == Style::raw) {
    out += as_text(received.message.payload);
  } else {
    plain(received, out);
  }
  return {};
}

void Formatter::plain(const client::Received& received, std::string& out) const {
  const bool text = choices_.style == Style::text;
  const auto& message = received.message;
  const bool null = text && message.payload.empty();
  // So does mosquitto_sub: it has "(null)" only with both, and not even a line end otherwise.
  if (null && !(choices_.verbose && choices_.newline)) return;
  if (choices_.verbose) {
    if (received.encrypted) {
      out += '+';
      append_word(out, received.sender, choices_.terminal);
      if (received.will) {
        out += "(will)";
      } else if (received.sent) {
        const auto age = received.at - *received.sent;
        out += fmt::format("({}s)", std::chrono::floor<std::chrono::seconds>(age).count());
      }
      out += ' ';
    }
    append_word(out, message.topic, choices_.terminal);
    out += ' ';
  }
  if (null) {
    out += "(null)";
  } else {
    append_payload(out, message.payload, choices_);
  }
  if (choices_.newline) out += '\n';
}

}  // namespace sts::cli
