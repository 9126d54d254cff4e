#include "protocol/record.h"

#include <algorithm>
#include <bit>

#include "base/reader.h"
#include "crypto/hash.h"

namespace sts::protocol {
namespace {

bool once(bool& flag) {
  const bool first = !flag;
  flag = true;
  return first;
}

bool decode_ack(Reader& in, std::optional<Ack>& out) {
  const auto next = in.varint();
  const auto missing = in.varint();
  if (!next || !missing || out || *next >= numbers_end || *missing >= numbers_end - *next)
    return false;
  out = Ack{*next, *next + *missing};
  return true;
}

bool decode_resent(Reader& in, const Records& before, std::optional<Resent>& out) {
  if (!before.messages.empty() || before.kill) return false;
  const auto number = in.varint();
  const auto gap = in.varint();
  if (!number || !gap || out || *number >= numbers_end || *gap > *number) return false;
  out = Resent{*number, *gap};
  return true;
}

bool decode_confirm(Reader& in, std::optional<Confirm>& out) {
  if (out) return false;
  out.emplace();
  return decode_resume(in.rest(), out->resume);
}

/// VOUCH and WILL.
bool decode_16(Reader& in, std::optional<std::array<std::uint8_t, 16>>& out) {
  const bool first = !out;
  out = in.array<16>();
  return first && out;
}

bool decode_sized(RecordType type, Reader& in, std::vector<MessageView>& out) {
  const auto body = in.sized();
  if (body) out.push_back({type, *body});
  return body.has_value();
}

bool decode_one(RecordType type, Reader& in, Records& out) {
  switch (type) {
    case RecordType::padding:
      return std::ranges::all_of(in.rest(), [](auto byte) { return byte == 0; });
    case RecordType::confirm:
      return decode_confirm(in, out.confirm);
    case RecordType::data:
      out.messages.push_back({RecordType::data, in.rest()});
      return true;
    case RecordType::sized_data:
      return decode_sized(RecordType::data, in, out.messages);
    case RecordType::resent:
      return decode_resent(in, out, out.resent);
    case RecordType::ack:
      return decode_ack(in, out.ack);
    case RecordType::ping:
      return once(out.ping);
    case RecordType::end:
      return once(out.end);
    case RecordType::kill:
      return once(out.kill);
    case RecordType::vouch:
      return decode_16(in, out.vouch);
    case RecordType::will:
      return decode_16(in, out.will);
    case RecordType::durable:
    case RecordType::taken:
      return decode_sized(type, in, out.messages);
  }
  return false;
}

void put_type(Bytes& out, RecordType type) { out.push_back(static_cast<std::uint8_t>(type)); }

}  // namespace

std::optional<Records> decode_records(ByteView plaintext) {
  Reader in(plaintext);
  Records records;
  do {
    const auto type = in.u8();
    if (!type || !decode_one(static_cast<RecordType>(*type), in, records)) return std::nullopt;
    if (records.messages.size() > frame_messages) return std::nullopt;
  } while (!in.empty());
  return records;
}

void put_confirm(Bytes& out, const std::optional<Resume>& resume) {
  put_type(out, RecordType::confirm);
  append(out, encode_resume(resume));
}

void put_resent(Bytes& out, const Resent& resent) {
  put_type(out, RecordType::resent);
  put_varint(out, resent.number);
  put_varint(out, resent.gap);
}

void put_ack(Bytes& out, const Ack& ack) {
  put_type(out, RecordType::ack);
  put_varint(out, ack.next);
  put_varint(out, ack.gap_end - ack.next);
}

void put_data(Bytes& out, ByteView message) {
  put_type(out, RecordType::data);
  append(out, message);
}

void put_sized(Bytes& out, RecordType type, ByteView body) {
  put_type(out, type == RecordType::data ? RecordType::sized_data : type);
  sts::put_sized(out, body);
}

void put_bare(Bytes& out, RecordType type) { put_type(out, type); }

void put_vouch(Bytes& out, const Vouch& vouch) {
  put_type(out, RecordType::vouch);
  append(out, vouch);
}

void put_will(Bytes& out, const ConnectionId& connection) {
  put_type(out, RecordType::will);
  append(out, connection);
}

Vouch vouch_for(ByteView frame) {
  const auto digest = crypto::hash(frame);
  Vouch out;
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

std::size_t padded_size(std::size_t size, Pad pad) {
  std::size_t granule = 1;
  if (pad == Pad::to_16) granule = 16;
  if (pad == Pad::padme && size > 1) {
    // As many bits of the size are kept as its exponent has; the rest are rounded up.
    const std::size_t exponent = std::bit_width(size) - 1;
    const std::size_t kept = std::bit_width(exponent);
    granule = std::size_t{1} << (exponent - std::min(exponent, kept));
  }
  return (size + granule - 1) / granule * granule;
}

Bytes encode_resume(const std::optional<Resume>& resume) {
  Bytes out;
  if (!resume) return out;
  append(out, resume->id);
  put_varint(out, resume->generation);
  put_varint(out, resume->first);
  return out;
}

bool decode_resume(ByteView bytes, std::optional<Resume>& out) {
  out.reset();
  if (bytes.empty()) return true;
  Reader in(bytes);
  const auto id = in.array<8>();
  const auto generation = in.varint();
  const auto first = in.varint();
  if (!id || !generation || !first || !in.empty()) return false;
  if (*generation >= generations_end || *first >= numbers_end) return false;
  out = Resume{*id, *generation, *first};
  return true;
}

}  // namespace sts::protocol
