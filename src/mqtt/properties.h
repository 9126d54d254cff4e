// Properties of a message to and from libmosquitto's lists of them.
#pragma once

#include <mosquitto.h>

#include <memory>

#include "base/result.h"
#include "mqtt/message.h"

namespace sts::mqtt {

struct FreeProperties {
  void operator()(mosquitto_property* list) const { mosquitto_property_free_all(&list); }
};
using PropertyList = std::unique_ptr<mosquitto_property, FreeProperties>;

/// Empty for no properties. Errc::bad_input for text that is not UTF-8, and for what is too long.
Result<PropertyList> to_list(const Properties& properties);

/// One more property at the end of `list`.
void add_int16(PropertyList& list, int identifier, std::uint16_t value);
void add_int32(PropertyList& list, int identifier, std::uint32_t value);

/// What is not ours to know is left out.
Properties from_list(const mosquitto_property* list);

std::uint8_t read_byte(const mosquitto_property* list, int identifier, std::uint8_t otherwise);
std::uint16_t read_int16(const mosquitto_property* list, int identifier, std::uint16_t otherwise);
std::uint32_t read_int32(const mosquitto_property* list, int identifier, std::uint32_t otherwise);
std::string read_string(const mosquitto_property* list, int identifier);

}  // namespace sts::mqtt
