// The frames of a channel as they stand on the wire (docs/protocol.md, "Channels"). Their types are
// none of a session's, so that neither can be taken for the other.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "channel/names.h"

namespace sts::channel {

enum class FrameType : std::uint8_t {
  keys = 0x10,
  message = 0x11,
  will = 0x12,
};

/// A message or will taken apart; views of the payload. The header is the associated data.
struct Sealed {
  FrameType type = {};
  KeyId key = {};
  std::uint64_t counter = 0;        // of a message
  ConnectionId connection = {};     // of a will
  ByteView header = {}, body = {};  // body: ciphertext, and a signature where the epoch signs
};

/// Nothing where it is neither a message nor a will.
std::optional<Sealed> decode_sealed(ByteView payload);

void put_message_header(Bytes& out, const KeyId& key, std::uint64_t counter);
void put_will_header(Bytes& out, const KeyId& key, const ConnectionId& connection);

/// What is signed: label, topic, header and ciphertext.
Bytes signed_bytes(std::string_view topic, ByteView header, ByteView ciphertext);

}  // namespace sts::channel
