// The flags for MQTT 5's properties of a message.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "mqtt/message.h"

namespace sts::cli {

class MessageFlags {
 public:
  void add_to(CLI::App& app);
  bool any() const;
  Result<mqtt::Properties> properties() const;

 private:
  std::uint32_t expiry_ = 0;
  bool has_expiry_ = false, utf8_ = false;
  std::string content_type_, response_topic_, correlation_data_;
  std::vector<std::string> user_;              // NAME=VALUE
  std::vector<std::vector<std::string>> raw_;  // as mosquitto_pub has them: COMMAND NAME VALUE...
};

}  // namespace sts::cli
