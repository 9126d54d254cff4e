// The keys that a config may have, in one table: what each one sets, and where it counts.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "client/config.h"

namespace sts::client {

enum class Protocol { none, sts1, sts2 };
/// What protects the messages of this config.
Protocol protocol_of(const Config& config);

struct ConfigKey {
  std::string_view name;
  /// The only protocol it counts for, or Protocol::none: for all. Elsewhere it is an error, since
  /// it would promise something that does not happen.
  Protocol only;
  /// `directory` is that of the config file.
  Result<void> (*set)(Config& config, std::string_view value,
                      const std::filesystem::path& directory);
};

/// nullptr where there is no such key.
const ConfigKey* find_key(std::string_view name);

/// What to write instead of `name`, which is none.
std::string unknown_key_hint(std::string_view name);

}  // namespace sts::client
