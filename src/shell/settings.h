// What `set` keeps for `connect`: keys of sts.conf(5).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/config.h"

namespace sts::shell {

/// Sets one key of a config in the clear; the error names the key.
Result<void> set_key(client::Config& config, std::string_view key, std::string_view value);

class Settings {
 public:
  Result<void> set(std::string_view key, std::string_view value);
  /// An error where it isn't set.
  Result<void> unset(std::string_view key);
  Result<void> apply(client::Config& config) const;
  /// "key = value" each, of `key` alone where it isn't empty; never a password.
  std::vector<std::string> lines(std::string_view key) const;

  /// All that can be set.
  static std::vector<std::string> keys();

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace sts::shell
