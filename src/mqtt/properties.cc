#include "mqtt/properties.h"

#include <fmt/format.h>
#include <mqtt_protocol.h>

#include <cstdlib>

namespace sts::mqtt {
namespace {

constexpr std::size_t longest = 65535;  // bytes of a string or of binary data (section 1.5)

struct FreeC {
  void operator()(void* memory) const { std::free(memory); }
};
template <typename T>
using CPointer = std::unique_ptr<T, FreeC>;

Result<void> check(std::string_view name, std::size_t size, int outcome) {
  if (size > longest) {
    return fail(Errc::bad_input, fmt::format("the {} is longer than 65535 bytes", name));
  }
  if (outcome == MOSQ_ERR_SUCCESS) return {};
  return fail(Errc::bad_input,
              fmt::format("the {} can't be sent: {}", name,
                          outcome == MOSQ_ERR_MALFORMED_UTF8 ? "it is not UTF-8"
                                                             : mosquitto_strerror(outcome)));
}

/// A list whose head may change while something is added.
class Adding {
 public:
  explicit Adding(PropertyList& list) : list_(list), head_(list.release()) {}
  ~Adding() { list_.reset(head_); }
  Adding(const Adding&) = delete;
  Adding& operator=(const Adding&) = delete;
  mosquitto_property** head() { return &head_; }

 private:
  PropertyList& list_;
  mosquitto_property* head_;
};

Result<void> add_string(PropertyList& list, int identifier, std::string_view name,
                        const std::string& value) {
  if (value.empty()) return {};
  if (value.size() > longest) return check(name, value.size(), MOSQ_ERR_SUCCESS);
  Adding adding(list);
  return check(name, value.size(),
               mosquitto_property_add_string(adding.head(), identifier, value.c_str()));
}

Result<void> add_all(PropertyList& list, const Properties& from) {
  if (from.payload_is_utf8) {
    Adding adding(list);
    mosquitto_property_add_byte(adding.head(), MQTT_PROP_PAYLOAD_FORMAT_INDICATOR, 1);
  }
  if (from.message_expiry) {
    add_int32(list, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL,
              static_cast<std::uint32_t>(from.message_expiry->count()));
  }
  if (auto added = add_string(list, MQTT_PROP_CONTENT_TYPE, "content type", from.content_type);
      !added) {
    return added;
  }
  if (auto added =
          add_string(list, MQTT_PROP_RESPONSE_TOPIC, "response topic", from.response_topic);
      !added) {
    return added;
  }
  if (const auto& data = from.correlation_data; !data.empty()) {
    if (data.size() > longest) return check("correlation data", data.size(), MOSQ_ERR_SUCCESS);
    Adding adding(list);
    mosquitto_property_add_binary(adding.head(), MQTT_PROP_CORRELATION_DATA, data.data(),
                                  static_cast<std::uint16_t>(data.size()));
  }
  for (const auto& [name, value] : from.user_properties) {
    Adding adding(list);
    auto added = check(fmt::format("user property '{}'", name), std::max(name.size(), value.size()),
                       mosquitto_property_add_string_pair(adding.head(), MQTT_PROP_USER_PROPERTY,
                                                          name.c_str(), value.c_str()));
    if (!added) return added;
  }
  return {};
}

}  // namespace

Result<PropertyList> to_list(const Properties& properties) {
  PropertyList list;
  if (auto added = add_all(list, properties); !added) {
    return tl::unexpected<Error>(added.error());
  }
  return list;
}

void add_int16(PropertyList& list, int identifier, std::uint16_t value) {
  Adding adding(list);
  mosquitto_property_add_int16(adding.head(), identifier, value);
}

void add_int32(PropertyList& list, int identifier, std::uint32_t value) {
  Adding adding(list);
  mosquitto_property_add_int32(adding.head(), identifier, value);
}

Properties from_list(const mosquitto_property* list) {
  Properties out;
  if (list == nullptr) return out;
  std::uint32_t expiry = 0;
  if (mosquitto_property_read_int32(list, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, &expiry, false)) {
    out.message_expiry = std::chrono::seconds(expiry);
  }
  out.payload_is_utf8 = read_byte(list, MQTT_PROP_PAYLOAD_FORMAT_INDICATOR, 0) == 1;
  out.content_type = read_string(list, MQTT_PROP_CONTENT_TYPE);
  out.response_topic = read_string(list, MQTT_PROP_RESPONSE_TOPIC);
  void* data = nullptr;
  std::uint16_t size = 0;
  if (mosquitto_property_read_binary(list, MQTT_PROP_CORRELATION_DATA, &data, &size, false)) {
    const CPointer<void> owned(data);
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    out.correlation_data.assign(bytes, bytes + size);
  }
  char *name = nullptr, *value = nullptr;
  for (const auto* at =
           mosquitto_property_read_string_pair(list, MQTT_PROP_USER_PROPERTY, &name, &value, false);
       at != nullptr;
       at = mosquitto_property_read_string_pair(at, MQTT_PROP_USER_PROPERTY, &name, &value, true)) {
    const CPointer<char> owned_name(name), owned_value(value);
    out.user_properties.emplace_back(name, value);
  }
  return out;
}

std::uint8_t read_byte(const mosquitto_property* list, int identifier, std::uint8_t otherwise) {
  mosquitto_property_read_byte(list, identifier, &otherwise, false);
  return otherwise;
}

std::uint16_t read_int16(const mosquitto_property* list, int identifier, std::uint16_t otherwise) {
  mosquitto_property_read_int16(list, identifier, &otherwise, false);
  return otherwise;
}

std::uint32_t read_int32(const mosquitto_property* list, int identifier, std::uint32_t otherwise) {
  mosquitto_property_read_int32(list, identifier, &otherwise, false);
  return otherwise;
}

std::string read_string(const mosquitto_property* list, int identifier) {
  char* text = nullptr;
  if (mosquitto_property_read_string(list, identifier, &text, false) == nullptr) return {};
  const CPointer<char> owned(text);
  return text;
}

}  // namespace sts::mqtt
