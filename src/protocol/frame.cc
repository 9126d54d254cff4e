#include "protocol/frame.h"

#include "base/reader.h"

namespace sts::protocol {
namespace {

std::optional<SessionIndex> index(Reader& in) {
  auto value = in.u32();
  if (!value) return std::nullopt;
  return SessionIndex{*value};
}

std::optional<Frame> decode_enc(FrameType type, ByteView payload, Reader& in) {
  const auto receiver = index(in);
  const auto counter = in.varint();
  if (!receiver || !counter || in.left() < 16 + 1) return std::nullopt;  // tag and one record
  const ByteView header = payload.first(payload.size() - in.left());
  return Enc{type, *receiver, *counter, header, in.rest()};
}

std::optional<Frame> decode_will(FrameType type, ByteView payload, Reader& in) {
  const auto connection = in.array<std::tuple_size_v<ConnectionId>>();
  // A key, one record and a tag.
  if (!connection || in.left() < 32 + 1 + 16 || in.left() > 32 + will_payload_max + 16) {
    return std::nullopt;
  }
  const ByteView header = payload.first(payload.size() - in.left());
  return Will{type, *connection, header, in.rest()};
}

std::optional<Frame> decode_body(FrameType type, ByteView payload, Reader& in) {
  switch (type) {
    case FrameType::hello: {
      const auto unknown = index(in);
      if (!unknown) return std::nullopt;
      return Hello{*unknown};
    }
    case FrameType::init_req: {
      const auto message = in.array<message_1_size>();
      if (!message) return std::nullopt;
      return InitReq{*message};
    }
    case FrameType::init_ack: {
      const auto receiver = index(in);
      const auto message = in.array<message_2_size>();
      if (!message) return std::nullopt;
      return InitAck{*receiver, *message};
    }
    case FrameType::key_ack: {
      const auto receiver = index(in);
      if (!receiver || in.left() < message_3_min_size || in.left() > message_3_max_size) {
        return std::nullopt;
      }
      return KeyAck{*receiver, in.rest()};
    }
    case FrameType::enc_from_initiator:
    case FrameType::enc_from_responder:
      return decode_enc(type, payload, in);
    case FrameType::will_from_initiator:
    case FrameType::will_from_responder:
      return decode_will(type, payload, in);
  }
  return std::nullopt;
}

Bytes start(FrameType type, std::size_t size) {
  Bytes out;
  out.reserve(size);
  out.push_back(static_cast<std::uint8_t>(type));
  return out;
}

}  // namespace

std::optional<Frame> decode(ByteView payload) {
  Reader in(payload);
  const auto type = in.u8();
  if (!type) return std::nullopt;
  auto frame = decode_body(static_cast<FrameType>(*type), payload, in);
  if (!in.empty()) return std::nullopt;
  return frame;
}

Bytes encode(const Hello& frame) {
  Bytes out = start(FrameType::hello, 1 + 4);
  put_u32(out, frame.unknown.value);
  return out;
}

Bytes encode(const InitReq& frame) {
  Bytes out = start(FrameType::init_req, 1 + message_1_size);
  append(out, frame.message_1);
  return out;
}

Bytes encode(const InitAck& frame) {
  Bytes out = start(FrameType::init_ack, 1 + 4 + message_2_size);
  put_u32(out, frame.receiver.value);
  append(out, frame.message_2);
  return out;
}

Bytes encode(const KeyAck& frame) {
  Bytes out = start(FrameType::key_ack, 1 + 4 + frame.message_3.size());
  put_u32(out, frame.receiver.value);
  append(out, frame.message_3);
  return out;
}

Bytes encode_index(SessionIndex index) {
  Bytes out;
  put_u32(out, index.value);
  return out;
}

std::optional<SessionIndex> decode_index(ByteView payload) {
  Reader in(payload);
  const auto out = index(in);
  if (!out || !in.empty() || out->value == 0) return std::nullopt;
  return out;
}

void put_enc_header(Bytes& out, FrameType type, SessionIndex receiver, std::uint64_t counter) {
  out.push_back(static_cast<std::uint8_t>(type));
  put_u32(out, receiver.value);
  put_varint(out, counter);
}

void put_will_header(Bytes& out, FrameType type, const ConnectionId& connection) {
  out.push_back(static_cast<std::uint8_t>(type));
  append(out, connection);
}

}  // namespace sts::protocol
