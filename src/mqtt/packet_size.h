// How long a packet gets, for the broker's maximum packet size.
#pragma once

#include <cstddef>

#include "mqtt/transport.h"

namespace sts::mqtt {

/// Bytes of a whole PUBLISH packet without properties (MQTT 5, section 3.3), for a topic and a
/// payload of so many bytes.
std::size_t publish_packet_size(std::size_t topic, std::size_t payload, Qos qos, Version version);

/// Bytes of payload that fit into a PUBLISH packet of `maximum` bytes; 0: none but MQTT's own.
std::size_t largest_payload(std::size_t topic, Qos qos, Version version, std::uint32_t maximum);

/// Errc::limit where such a packet is over `maximum`; 0: none.
Result<void> check_packet_size(std::size_t topic, std::size_t payload, Qos qos, Version version,
                               std::uint32_t maximum);

}  // namespace sts::mqtt
