// The flags that say how to reach the broker, the same for all commands: mosquitto's letters, and
// behind each one a key of sts.conf(5).
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "client/config.h"

namespace sts::cli {

class ConnectionFlags {
 public:
  /// To `app`, which must not outlive this.
  void add_to(CLI::App& app);

  /// What profile or config file and then the flags say, on top of `defaults`. The error names the
  /// flag.
  Result<client::Config> config(client::Config defaults) const;
  /// Whether anything says which broker.
  bool names_broker() const;
  /// The topic that a URL (-L) ended with; empty: none.
  const std::string& url_topic() const { return url_topic_; }
  /// `given`, else the URL's, else PREFIX/RANDOM. Errc::bad_input where it can't be published to.
  Result<std::string> topic(const std::string& given, const std::string& prefix) const;

 private:
  struct Setting {
    std::string flag, key, value;
  };

  void add(CLI::App& app, const std::string& flags, const std::string& key,
           const std::string& help);
  void add_url(CLI::App& app);
  void set(const std::string& flag, const std::string& key, const std::string& value);

  std::vector<Setting> settings_;  // in the order of the command line
  std::string file_, profile_, url_topic_;
  bool literal_password_ = false;
};

/// Overwrites what follows -P or --pw in the arguments, and the token of `join`: every user of the
/// machine can read them.
void blank_secrets(int argc, char** argv);

}  // namespace sts::cli
