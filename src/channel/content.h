// What stands inside the ciphertext of a message or will (docs/protocol.md, "Content").
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "channel/names.h"
#include "protocol/limits.h"

namespace sts::channel {

/// Where a message stands among all that its sender has sent.
struct Origin {
  StreamId stream;
  std::uint64_t epoch = 0, counter = 0;
  bool operator==(const Origin&) const = default;
};

/// What a message is known by to its readers however often it is sent; its stream is the outbox's.
struct Durable {
  StreamId stream;
  std::uint64_t number = 0;
};

/// One message: a payload, or news of the sender itself. Views of whatever it was made from.
struct Content {
  std::optional<ByteView> payload = {};
  bool ping = false;                        // the sender is there; its counter is what matters
  std::optional<ConnectionId> online = {};  // the connection that the next will belongs to
  std::optional<std::uint64_t> time = {};   // milliseconds since 1970 by the sender's clock
  bool retained = false;                    // the sender asked the broker to retain it
  std::optional<Origin> resealed = {};      // a retained message of before, under a new key
  std::optional<Durable> durable = {};      // beside a payload
  std::optional<std::string_view> content_type = {};
  std::vector<std::pair<std::string_view, std::string_view>> user_properties = {};
};

/// Nothing where any byte is not as it has to be.
std::optional<Content> decode_content(ByteView plaintext);

/// Whether readers would take it: one of payload, ping and online, text in UTF-8, not too many
/// properties, resealed only where retained, that and durable only with a payload.
bool well_formed(const Content& content);

using Digest = std::array<std::uint8_t, 8>;
/// The same however often the message is sealed anew. Where its sender has a clock, nobody can tell
/// that of a message to come: its time is in it.
Digest digest(const Content& content);

/// Of a well-formed content.
Bytes encode(const Content& content, protocol::Pad pad);

}  // namespace sts::channel
