// What stands for senders, streams and keys on the wire and in topics (docs/protocol.md,
// "Channels").
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/keys.h"

namespace sts::channel {

/// One of these for each kind, so that they can't be mistaken for one another.
template <typename Tag, std::size_t N>
struct Id {
  std::array<std::uint8_t, N> bytes{};
  friend auto operator<=>(const Id&, const Id&) = default;
};

/// Names a sender in topics: it follows from the public key, which it doesn't hide.
using SenderId = Id<struct SenderTag, 8>;
/// One process's telling of one set of readers; random.
using StreamId = Id<struct StreamTag, 8>;
/// Names an epoch's key; follows from the key and the header of its packet.
using KeyId = Id<struct KeyTag, 8>;
/// One connection of a sender to the broker; random.
using ConnectionId = Id<struct ConnectionTag, 16>;

SenderId sender_id(const crypto::PublicKey& sender);

/// Where key packets are retained, unless both sides are told otherwise.
inline constexpr std::string_view default_key_prefix = "sts/keys";

/// The topic of one part of a key packet: PREFIX/SENDER/KEY, from the second part on with -PART.
std::string key_topic(std::string_view prefix, const SenderId& sender, const KeyId& key,
                      std::size_t part);
/// What a reader of this sender subscribes to.
std::string key_filter(std::string_view prefix, const SenderId& sender);
/// What a sender subscribes to for what itself left there; another than its readers' filter.
std::string own_key_filter(std::string_view prefix, const SenderId& sender);

/// Whose key packets a topic holds; nullopt where it is no topic of key packets.
std::optional<SenderId> sender_of_key_topic(std::string_view prefix, std::string_view topic);

}  // namespace sts::channel
