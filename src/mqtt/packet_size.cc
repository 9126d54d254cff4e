#include "mqtt/packet_size.h"

#include <fmt/format.h>

#include <algorithm>

namespace sts::mqtt {
namespace {

// A byte, four of length, and as many as these can say (MQTT 5, sections 1.5.5 and 2.1).
constexpr std::size_t longest_packet = 1 + 4 + 268'435'455;

}  // namespace

std::size_t publish_packet_size(std::size_t topic, std::size_t payload, Qos qos, Version version) {
  const std::size_t packet_id = qos == Qos::at_most_once ? 0 : 2;
  const std::size_t no_properties = version == Version::v5 ? 1 : 0;
  const std::size_t remaining = 2 + topic + packet_id + no_properties + payload;
  std::size_t length_bytes = 1;
  for (auto rest = remaining >> 7U; rest > 0; rest >>= 7U) ++length_bytes;
  return 1 + length_bytes + remaining;
}

std::size_t largest_payload(std::size_t topic, Qos qos, Version version, std::uint32_t maximum) {
  const std::size_t packet = maximum > 0 ? maximum : longest_packet;
  std::size_t payload = packet - std::min(packet, publish_packet_size(topic, 0, qos, version));
  // The payload itself makes the length field longer, by three bytes at most.
  while (payload > 0 && publish_packet_size(topic, payload, qos, version) > packet) --payload;
  return payload;
}

Result<void> check_packet_size(std::size_t topic, std::size_t payload, Qos qos, Version version,
                               std::uint32_t maximum) {
  const std::size_t size = publish_packet_size(topic, payload, qos, version);
  if (maximum == 0 || size <= maximum) return {};
  return fail(Errc::limit,
              fmt::format("{} bytes make a packet of {}, over the broker's limit of {}", payload,
                          size, maximum),
              "send less at once, or raise max_packet_size at the broker");
}

}  // namespace sts::mqtt
