#include "channel/frame.h"

#include "base/reader.h"
#include "crypto/aead.h"

namespace sts::channel {

namespace {

bool decode(ByteView payload, Sealed& out) {
  Reader in(payload);
  const auto type = in.u8();
  const auto key = in.array<8>();
  if (!type || !key) return false;
  out.type = static_cast<FrameType>(*type);
  out.key.bytes = *key;
  if (out.type == FrameType::message) {
    const auto counter = in.varint();
    if (!counter) return false;
    out.counter = *counter;
  } else if (out.type == FrameType::will) {
    const auto connection = in.array<16>();
    if (!connection) return false;
    out.connection.bytes = *connection;
  } else {
    return false;
  }
  if (in.left() < 1 + crypto::tag_size) return false;  // a record and the tag
  out.header = payload.first(payload.size() - in.left());
  out.body = in.rest();
  return true;
}

}  // namespace

std::optional<Sealed> decode_sealed(ByteView payload) {
  std::optional<Sealed> out(std::in_place);
  if (!decode(payload, *out)) out.reset();
  return out;
}

void put_message_header(Bytes& out, const KeyId& key, std::uint64_t counter) {
  out.push_back(static_cast<std::uint8_t>(FrameType::message));
  append(out, key.bytes);
  put_varint(out, counter);
}

void put_will_header(Bytes& out, const KeyId& key, const ConnectionId& connection) {
  out.push_back(static_cast<std::uint8_t>(FrameType::will));
  append(out, key.bytes);
  append(out, connection.bytes);
}

Bytes signed_bytes(std::string_view topic, ByteView header, ByteView ciphertext) {
  Bytes out = to_bytes(as_bytes("STS 2 message"));
  put_u16(out, static_cast<std::uint16_t>(topic.size()));
  append(out, as_bytes(topic));
  append(out, header);
  append(out, ciphertext);
  return out;
}

}  // namespace sts::channel
