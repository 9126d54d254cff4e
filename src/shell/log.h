// The shell's log lines, in the form that scripts around STS know.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "client/messenger.h"
#include "shell/output.h"

namespace sts::shell {

using WallTime = std::chrono::system_clock::time_point;

/// "2026-01-31 12:00:00.123 - [INFO]  # text", in local time, without a newline. `text` is made
/// printable first. With `colour` the level is coloured by ANSI sequences (ECMA-48, SGR).
std::string format_log_line(WallTime time, client::Level level, std::string_view text, bool colour);

/// "hint: text", as it stands behind a log line or an error.
std::string format_hint(std::string_view hint);

/// Writes log lines to an output: errors to its standard error, all else to its standard output,
/// and a hint right behind the line it belongs to.
class Log {
 public:
  /// `output` must outlive the log. `now` tells the time that lines carry.
  Log(Output& output, std::function<WallTime()> now, bool colour)
      : output_(output), now_(std::move(now)), colour_(colour) {}

  /// Nothing where its level is below the log's.
  void line(const client::Line& line) {
    if (line.level >= level_) show(line);
  }
  void show(const client::Line& line);
  /// "[MQTT_INC]: text", and "[MQTT_INC] label: text" where there is a label. `prefix` stands in
  /// front of all.
  void incoming(const std::string& prefix, std::string_view label, ByteView message);
  /// "[MQTT_OUT]: hex", all that the broker sees of the payload.
  void outgoing(const std::string& prefix, ByteView wire);

  client::Level level() const { return level_; }
  void set_level(client::Level level) { level_ = level; }

 private:
  Output& output_;
  std::function<WallTime()> now_;
  bool colour_;
  client::Level level_ = client::Level::info;
};

}  // namespace sts::shell
