#include "shell/log.h"

#include <fmt/format.h>

#include <ctime>

#include "base/hex.h"
#include "shell/text.h"

namespace sts::shell {
namespace {

struct Form {
  std::string_view tag;  // with its brackets
  std::string_view pad;  // so that the texts of all levels begin in one column
  std::string_view colour;
};

Form form_of(client::Level level) {
  switch (level) {
    case client::Level::info:
      return {"[INFO]", " ", "\033[32m"};
    case client::Level::warning:
      return {"[WARN]", " ", "\033[33m"};
    case client::Level::error:
      break;
  }
  return {"[ERROR]", "", "\033[31m"};
}

}  // namespace

std::string format_log_line(WallTime time, client::Level level, std::string_view text,
                            bool colour) {
  const auto since_epoch =
      std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const std::time_t seconds =
      std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm local{};
  localtime_r(&seconds, &local);
  char date[32];
  const std::size_t size = std::strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &local);

  const Form form = form_of(level);
  return fmt::format("{}.{:03} - {}{}{}{} # {}", std::string_view(date, size),
                     (since_epoch % 1000 + 1000) % 1000, colour ? form.colour : "", form.tag,
                     colour ? "\033[0m" : "", form.pad, printable(text));
}

std::string format_hint(std::string_view hint) { return "hint: " + printable(hint); }

void Log::show(const client::Line& line) {
  std::string text = format_log_line(now_(), line.level, line.text, colour_);
  if (!line.hint.empty()) text += "\n" + format_hint(line.hint);
  if (line.level == client::Level::error) {
    output_.error(text);
  } else {
    output_.line(text);
  }
}

void Log::incoming(const std::string& prefix, std::string_view label, ByteView message) {
  std::string text = prefix + "[MQTT_INC]";
  if (!label.empty()) text.append(" ").append(label);
  text.append(": ").append(as_text(message));
  line({client::Level::info, text});
}

void Log::outgoing(const std::string& prefix, ByteView wire) {
  line({client::Level::info, prefix + "[MQTT_OUT]: " + to_hex(wire)});
}

}  // namespace sts::shell
