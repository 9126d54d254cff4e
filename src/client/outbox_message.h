// A message as it waits in the outbox, with all that is needed to seal and publish it later.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "client/messenger.h"
#include "crypto/keys.h"
#include "mqtt/message.h"
#include "store/home.h"

namespace sts::client {

/// Of what goes to one peer in sessions on a topic. No topic has such a name.
std::string session_destination(const crypto::PublicKey& peer, std::string_view topic);
bool is_for_session(std::string_view destination);
/// For whoever delivers it.
std::filesystem::path session_lock_file(const store::Home& home, std::string_view destination);
/// A destination, for people.
std::string shown(std::string_view destination);

/// Without the topic, which is the outbox's destination, and what channels don't seal.
Bytes encode_for_outbox(const mqtt::Message& message);
/// Nothing where any byte is not as it has to be.
std::optional<mqtt::Message> decode_from_outbox(std::string topic, ByteView content);

Bytes encode_for_session(std::string_view text);
std::optional<ByteView> decode_for_session(ByteView content);

}  // namespace sts::client
