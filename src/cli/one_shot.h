// What all one-shot commands decide first: in the clear, in a session with whom, or on a channel.
#pragma once

#include <CLI/App.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/connection_flags.h"
#include "client/config.h"

namespace sts::cli {

/// How a message goes: to the broker in the clear, to one peer in a session, or sealed for those
/// that the trust file lists for its topic.
enum class Way { plain, session, channel };

class OneShotFlags {
 public:
  /// `mode` is this side's in a session.
  explicit OneShotFlags(client::Mode mode) : mode_(mode) {}
  void add_to(CLI::App& app);

  /// The config for messages on `topics`, `qos` included. In the clear only with --plain, or where
  /// a config says sts_mode = nosec.
  Result<client::Config> config(const std::vector<std::string>& topics) const;
  Way way(const client::Config& config) const;
  /// How long the broker keeps its session, unless a flag or the config says it.
  void set_session_expiry(std::chrono::seconds time) { session_expiry_ = time; }
  const std::string& url_topic() const { return connection_.url_topic(); }

 private:
  Result<void> choose_mode(client::Config& config, const std::vector<std::string>& topics) const;
  Result<void> make_session(client::Config& config, const std::vector<std::string>& topics) const;

  client::Mode mode_;
  ConnectionFlags connection_;
  std::chrono::seconds session_expiry_ = client::kept_session;
  bool plain_ = false;
  std::vector<std::string> peers_;
  std::string return_topic_;
  std::optional<int> qos_;
};

}  // namespace sts::cli
