#include "cli/format_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/time.h"
#include "cli/format_bytes.h"

namespace sts::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string base64(ByteView bytes) {
  std::string text;
  append_base64(text, bytes);
  return text;
}

void put_payload(Json& object, ByteView payload) {
  if (is_utf8(as_text(payload))) {
    object["payload"] = as_text(payload);
  } else {
    object["payload_base64"] = base64(payload);
  }
}

void put_properties(Json& object, const mqtt::Properties& properties) {
  if (properties.message_expiry) object["expiry"] = properties.message_expiry->count();
  if (properties.payload_is_utf8) object["payload_is_utf8"] = true;
  if (!properties.content_type.empty()) object["content_type"] = properties.content_type;
  if (!properties.response_topic.empty()) object["response_topic"] = properties.response_topic;
  if (!properties.correlation_data.empty()) {
    object["correlation_data"] = base64(properties.correlation_data);
  }
  if (properties.user_properties.empty()) return;
  auto& list = object["user_properties"] = Json::array();
  for (const auto& [name, value] : properties.user_properties) {
    list.push_back(Json::array({name, value}));
  }
}

Json mosquitto_properties(const mqtt::Properties& properties) {
  Json object;
  if (properties.payload_is_utf8) object["payload-format-indicator"] = 1;
  if (properties.message_expiry) {
    object["message-expiry-interval"] = properties.message_expiry->count();
  }
  if (!properties.content_type.empty()) object["content-type"] = properties.content_type;
  if (!properties.response_topic.empty()) object["response-topic"] = properties.response_topic;
  if (const auto data = as_text(properties.correlation_data); !data.empty()) {
    object["correlation-data"] = data;
  }
  if (properties.user_properties.empty()) return object;
  Json pairs = Json::object();
  for (const auto& [name, value] : properties.user_properties) {
    // The vector's own push_back: the map's would drop a name that repeats.
    pairs.get_ref<Json::object_t&>().push_back({name, value});
  }
  object["user-properties"] = std::move(pairs);
  return object;
}

/// Never throws on account of the text in it.
std::string dump(const Json& object, bool ascii) {
  return object.dump(-1, ' ', ascii, Json::error_handler_t::replace);
}

/// The value without the blanks between its parts, so that it fits on a line, and else just as it
/// came: numbers keep their digits.
std::string compact(std::string_view json) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (quoted && c == '\\') {
      out += c;
      out += json[++i];
      continue;
    }
    if (c == '"') quoted = !quoted;
    const bool blank = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (quoted || !blank) out += c;
  }
  return out;
}

/// The parser would pass over a byte order mark, which is nothing to put amid other JSON.
bool is_json(std::string_view text) {
  return !text.starts_with("\xEF\xBB\xBF") && Json::accept(text);
}

}  // namespace

LocalTime local_time(std::chrono::system_clock::time_point at) {
  const auto second = std::chrono::floor<std::chrono::seconds>(at);
  LocalTime time;
  time.seconds = second.time_since_epoch().count();
  time.nanoseconds = static_cast<long>(std::chrono::nanoseconds{at - second}.count());
  const std::time_t seconds = time.seconds;
  ::localtime_r(&seconds, &time.parts);
  return time;
}

void append_json(std::string& out, const client::Received& received, bool ascii) {
  const auto& message = received.message;
  const auto second = std::chrono::floor<std::chrono::seconds>(received.at);
  const std::time_t seconds = second.time_since_epoch().count();
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  Json object;
  object["topic"] = message.topic;
  put_payload(object, message.payload);
  object["qos"] = static_cast<int>(message.qos);
  object["retain"] = message.retain;
  object["encrypted"] = received.encrypted;
  if (!received.sender.empty()) object["sender"] = received.sender;
  if (!received.sender_fingerprint.empty()) object["fingerprint"] = received.sender_fingerprint;
  object["timestamp"] =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                  utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                  std::chrono::floor<milliseconds>(received.at - second).count());
  if (received.will) object["will"] = true;
  if (received.late) object["late"] = true;
  if (received.sent) {
    using std::chrono::floor;
    object["sent_ms"] = floor<milliseconds>(received.sent->time_since_epoch()).count();
    object["age_ms"] = floor<milliseconds>(received.at - *received.sent).count();
  }
  object["timestamp_ns"] = std::chrono::nanoseconds{received.at.time_since_epoch()}.count();
  put_properties(object, message.properties);
  out += dump(object, ascii);
}

std::string properties_json(const mqtt::Properties& properties) {
  Json object = Json::object();
  put_properties(object, properties);
  object.erase("content_type");
  return object.empty() ? std::string() : dump(object, false);
}

bool append_mosquitto_json(std::string& out, const client::Received& received, bool embed,
                           bool ascii) {
  const auto& message = received.message;
  const auto payload = as_text(message.payload);
  if (embed && !payload.empty() && !is_json(payload)) return false;
  const auto time = local_time(received.at);
  char stamp[40];
  char zone[10];
  stamp[std::strftime(stamp, sizeof stamp, "%FT%T", &time.parts)] = '\0';
  zone[std::strftime(zone, sizeof zone, "%z", &time.parts)] = '\0';
  Json object;
  object["tst"] = fmt::format("{}.{:06}Z{}", stamp, time.nanoseconds / 1000, zone);
  object["topic"] = message.topic;
  object["qos"] = static_cast<int>(message.qos);
  object["retain"] = message.retain ? 1 : 0;
  object["payloadlen"] = payload.size();
  if (auto properties = mosquitto_properties(message.properties); !properties.empty()) {
    object["properties"] = std::move(properties);
  }
  if (payload.empty()) {
    object["payload"] = nullptr;
  } else if (!embed) {
    put_payload(object, message.payload);
  }
  out += dump(object, ascii);
  if (payload.empty() || !embed) return true;
  out.back() = ',';
  out += "\"payload\":";
  append_word(out, compact(payload), ascii);
  out += '}';
  return true;
}

}  // namespace sts::cli
