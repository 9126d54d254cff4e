// A message as it waits in the outbox, with all that is needed to seal and publish it later.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "mqtt/message.h"

namespace sts::client {

/// Without the topic, which is the outbox's destination, and what channels don't seal.
Bytes encode_for_outbox(const mqtt::Message& message);
/// Nothing where any byte is not as it has to be.
std::optional<mqtt::Message> decode_from_outbox(std::string topic, ByteView content);

}  // namespace sts::client
