// STS_HOME: where this user's identity and trust file lie.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace sts::store {

/// The directory, which may not exist yet: $STS_HOME, else $XDG_CONFIG_HOME/sts, else
/// ~/.config/sts.
class Home {
 public:
  /// From the environment; fails where none of the three can be told.
  static Result<Home> from_environment();
  explicit Home(std::filesystem::path directory) : directory_(std::move(directory)) {}

  const std::filesystem::path& directory() const { return directory_; }
  std::filesystem::path identity_file() const { return directory_ / "identity"; }
  std::filesystem::path peers_file() const { return directory_ / "peers"; }
  std::filesystem::path state_file() const { return directory_ / "state.db"; }
  /// Of those that deliver on channels, or to one peer on one topic, named by `to`.
  std::filesystem::path outbox_lock_file(const std::string& to = {}) const {
    return directory_ / ("outbox" + (to.empty() ? to : "-" + to) + ".lock");
  }

 private:
  std::filesystem::path directory_;
};

}  // namespace sts::store
