// The text of a config file taken apart into its lines; what the keys mean is for config.cc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sts::client {

struct ConfigLine {
  std::size_t number;  // from 1
  std::string_view key, value;
};

struct ConfigLines {
  std::vector<ConfigLine> lines;
  std::size_t count = 1;  // of all lines of the file, those without a setting too

  /// The first line that sets `key`, nullptr where none does.
  const ConfigLine* find(std::string_view key) const;
};

/// "path:line: message".
tl::unexpected<Error> fail_at(const std::string& path, std::size_t line, std::string_view message,
                              std::string hint);

/// The settings in `text`, in order, as views of it. A '#' begins a comment only at the start of a
/// line, since topics and passwords contain it. Refused: a line without '=',
/// control characters, a value that no MQTT string could hold (65535 bytes) or, other than a
/// password, that is not UTF-8.
Result<ConfigLines> split_config(const std::string& path, std::string_view text);

}  // namespace sts::client
