// A PUBLISH packet, as both sides of the transport see it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace sts::mqtt {

enum class Version { v3_1_1, v5 };
constexpr const char* version_number(Version version) {
  return version == Version::v5 ? "5" : "3.1.1";
}
enum class Qos : std::uint8_t { at_most_once = 0, at_least_once = 1, exactly_once = 2 };

/// What MQTT 5 says about a message besides its topic (section 3.3.2.3). 3.1.1 carries none of it.
struct Properties {
  std::optional<std::chrono::seconds> message_expiry;  // below 2^32; incoming: what is left of it
  bool payload_is_utf8 = false;                        // payload format indicator
  std::string content_type;                            // this and the next: empty means none
  std::string response_topic;
  Bytes correlation_data;
  std::vector<std::pair<std::string, std::string>> user_properties;

  bool operator==(const Properties&) const = default;
};

struct Message {
  std::string topic;
  Bytes payload;
  Qos qos = Qos::at_most_once;
  bool retain = false;  // incoming: the broker had stored it, so it may be stale
  Properties properties = {};
};

/// One topic filter to subscribe to (MQTT 5, section 3.8.3.1). 3.1.1 knows filter and QoS alone.
struct Subscription {
  enum class Retained : std::uint8_t { send = 0, send_if_new = 1, dont_send = 2 };

  std::string filter;
  Qos qos = Qos::at_most_once;
  bool no_local = false;             // not what this client published; never with $share
  bool retain_as_published = false;  // else `retain` tells what the broker had stored
  Retained retained = Retained::send;
};

}  // namespace sts::mqtt
