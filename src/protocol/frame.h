// The frames of STS 2 as they stand on the wire (docs/protocol.md, "Frames").
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <variant>

#include "base/bytes.h"

namespace sts::protocol {

/// Chosen at random by the side that receives under it; names a handshake or session there. 0 is
/// none.
struct SessionIndex {
  std::uint32_t value = 0;
  friend auto operator<=>(const SessionIndex&, const SessionIndex&) = default;
};

enum class FrameType : std::uint8_t {
  hello = 0x01,
  init_req = 0x02,
  init_ack = 0x03,
  key_ack = 0x04,
  enc_from_initiator = 0x05,  // a type per direction: a reflected frame is dropped unread
  enc_from_responder = 0x06,
  will_from_initiator = 0x07,
  will_from_responder = 0x08,
};

inline constexpr std::size_t message_1_size = 32 + 4 + 16;       // e, sender's index
inline constexpr std::size_t message_2_size = 32 + 48 + 4 + 16;  // e, s, sender's index
inline constexpr std::size_t message_3_min_size = 48 + 16;       // s, payload of 0 to 28 bytes
inline constexpr std::size_t message_3_max_size = 48 + 28 + 16;

/// The longest payload of a will: MQTT allows it 65535 bytes, and the frame around takes some.
inline constexpr std::size_t will_payload_max = 65535 - (1 + 16) - (32 + 16);

/// Random; names one connection of a side to the broker.
using ConnectionId = std::array<std::uint8_t, 16>;

/// From responders: "I don't know this session", or with index 0 "I came online". Not
/// authenticated.
struct Hello {
  SessionIndex unknown;
};
struct InitReq {
  std::array<std::uint8_t, message_1_size> message_1;
};
struct InitAck {
  SessionIndex receiver;
  std::array<std::uint8_t, message_2_size> message_2;
};
struct KeyAck {
  SessionIndex receiver;
  ByteView message_3;  // into the decoded frame
};
struct Enc {
  FrameType type;
  SessionIndex receiver;
  std::uint64_t counter;
  ByteView header, ciphertext;  // into the decoded frame
};
/// What the broker publishes when a connection ends.
struct Will {
  FrameType type;
  ConnectionId connection;
  ByteView header, message;  // into the decoded frame
};
using Frame = std::variant<Hello, InitReq, InitAck, KeyAck, Enc, Will>;

/// The whole frame or nothing: every length is exact, every number has its one encoding.
std::optional<Frame> decode(ByteView payload);

Bytes encode(const Hello& frame);
Bytes encode(const InitReq& frame);
Bytes encode(const InitAck& frame);
Bytes encode(const KeyAck& frame);
/// The payload of messages 1 and 2: the index that their sender will receive under, never 0.
Bytes encode_index(SessionIndex index);
std::optional<SessionIndex> decode_index(ByteView payload);
/// The header of ENC, which is also the first part of its associated data.
void put_enc_header(Bytes& out, FrameType type, SessionIndex receiver, std::uint64_t counter);
void put_will_header(Bytes& out, FrameType type, const ConnectionId& connection);

}  // namespace sts::protocol
