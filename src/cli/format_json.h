// Messages as JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <string>

#include "client/received.h"

namespace sts::cli {

/// One object on one line, without a line end; valid whatever the message holds. Always there:
/// topic, payload (or payload_base64 where it is not UTF-8), qos, retain, encrypted, timestamp (ISO
/// 8601, UTC, ms), timestamp_ns (since 1970). There if the message has them: sender, fingerprint,
/// expiry (seconds), payload_is_utf8, content_type, response_topic, correlation_data (base64),
/// user_properties (a list of [name, value]). Bytes of a text that are not UTF-8 become U+FFFD.
/// With `ascii` all other characters are escaped, too.
void append_json(std::string& out, const client::Received& received, bool ascii);

/// The object of those among them that the message has, but for content_type; empty for none.
std::string properties_json(const mqtt::Properties& properties);

/// The object that mosquitto_sub shows for %j (`embed` false) and %J: there the payload is a JSON
/// value itself. False, and nothing appended, where `embed` is asked of a payload that is not JSON.
/// Unlike mosquitto_sub's it is always valid: a payload that is not UTF-8 becomes payload_base64.
/// User properties are an object in which names may repeat, as there.
bool append_mosquitto_json(std::string& out, const client::Received& received, bool embed,
                           bool ascii);

/// `at` in local time for strftime, and the nanoseconds of its second.
struct LocalTime {
  std::tm parts{};
  std::int64_t seconds = 0;  // since 1970
  long nanoseconds = 0;
};
LocalTime local_time(std::chrono::system_clock::time_point at);

}  // namespace sts::cli
