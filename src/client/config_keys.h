// The keys that a config may have, in one table: what each one sets, and where it counts.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "client/config.h"

namespace sts::client {

enum class Protocol : unsigned { none = 1, sts1 = 2, session = 4, channel = 8 };
constexpr unsigned any_protocol = 1 + 2 + 4 + 8;
/// What protects the messages of this config.
Protocol protocol_of(const Config& config);

struct ConfigKey {
  std::string_view name;
  /// The protocols it counts for, added up. Elsewhere it is an error, since it would promise
  /// something that does not happen.
  unsigned protocols;
  /// `directory` is that of the config file.
  Result<void> (*set)(Config& config, std::string_view value,
                      const std::filesystem::path& directory);
  bool repeats = false;  // several lines add up

  bool counts_for(Protocol protocol) const {
    return (protocols & static_cast<unsigned>(protocol)) != 0;
  }
};

/// Those that say how to reach the broker.
std::span<const ConfigKey> broker_keys();

/// All others.
std::span<const ConfigKey> session_keys();

/// nullptr where there is no such key.
const ConfigKey* find_key(std::string_view name);

/// What to write instead of `name`, which is none.
std::string unknown_key_hint(std::string_view name);

}  // namespace sts::client
