// The messages of STS 1: set-up messages in clear, and the headers inside the encrypted ones.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "legacy/ecdh.h"

namespace sts::legacy {

/// Of every MQTT payload.
inline constexpr std::size_t max_payload = 1024;

inline constexpr std::string_view enc_header = "ENC:";
inline constexpr std::string_view kill_header = "KILL:";

struct InitReq {};
struct InitAck {};
struct KeyReq {
  PublicKey key;
};
struct KeyAck {};
/// No encoding of any of them is a multiple of 16 bytes long, so none is mistaken for a ciphertext.
using SetupMessage = std::variant<InitReq, InitAck, KeyReq, KeyAck>;

Bytes encode(const SetupMessage& message);

/// Nothing where `payload` is not exactly one set-up message. Coordinates are read as any integer
/// of 1 to 64 hexadecimal digits in either case, as the reference reads them.
std::optional<SetupMessage> decode(ByteView payload);

/// The name with its colon, for people.
std::string_view name(const SetupMessage& message);

}  // namespace sts::legacy
