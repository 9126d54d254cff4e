// The shell's log lines, in the form that scripts around STS know.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "client/client.h"
#include "shell/output.h"

namespace sts::shell {

using WallTime = std::chrono::system_clock::time_point;

/// "2026-01-31 12:00:00.123 - [INFO]  # text", in local time, without a newline. `text` is made
/// printable first. With `colour` the level is coloured by ANSI sequences (ECMA-48, SGR).
std::string format_log_line(WallTime time, client::Level level, std::string_view text, bool colour);

/// Writes log lines to an output.
class Log {
 public:
  /// `output` must outlive the log. `now` tells the time that lines carry.
  Log(Output& output, std::function<WallTime()> now, bool colour)
      : output_(output), now_(std::move(now)), colour_(colour) {}

  void line(client::Level level, std::string_view text);
  /// "[MQTT_INC]: text", and "[MQTT_INC] name: text" where the peer has to be told from others.
  void incoming(std::string_view peer, ByteView message);
  /// "[MQTT_OUT]: hex", all that the broker sees of the payload.
  void outgoing(ByteView wire);

 private:
  Output& output_;
  std::function<WallTime()> now_;
  bool colour_;
};

}  // namespace sts::shell
