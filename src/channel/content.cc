#include "channel/content.h"

#include <algorithm>

#include "base/reader.h"
#include "base/text.h"
#include "channel/limits.h"
#include "crypto/hash.h"
#include "protocol/record.h"

namespace sts::channel {
namespace {

// The first four are a session's too.
enum class RecordType : std::uint8_t {
  padding = 0x00,
  data = 0x02,
  sized_data = 0x03,
  ping = 0x06,
  time = 0x10,
  retained = 0x11,
  content_type = 0x12,
  user_property = 0x13,
  online = 0x14,
  resealed = 0x15,
  durable = 0x16,
};

std::optional<std::string_view> text(Reader& in) {
  const auto out = in.sized();
  if (!out || !valid_utf8(as_text(*out))) return std::nullopt;
  return as_text(*out);
}

bool has_body(const Content& content) { return content.payload || content.ping || content.online; }

bool decode_body(RecordType type, Reader& in, Content& out) {
  if (has_body(out)) return false;  // one each message
  if (type == RecordType::data) {
    out.payload = in.rest();
  } else if (type == RecordType::sized_data) {
    out.payload = in.sized();
    return out.payload.has_value();
  } else if (type == RecordType::online) {
    const auto connection = in.array<16>();
    if (!connection) return false;
    out.online = ConnectionId{*connection};
  } else {
    out.ping = true;
  }
  return true;
}

bool decode_one(RecordType type, Reader& in, Content& out) {
  switch (type) {
    case RecordType::padding:
      return std::ranges::all_of(in.rest(), [](auto byte) { return byte == 0; });
    case RecordType::data:
    case RecordType::sized_data:
    case RecordType::ping:
    case RecordType::online:
      return decode_body(type, in, out);
    case RecordType::time:
      if (out.time) return false;
      out.time = in.varint();
      return out.time && *out.time < times_end;
    case RecordType::retained:
      return !std::exchange(out.retained, true);
    case RecordType::resealed: {
      const auto stream = in.array<8>();
      const auto epoch = in.varint();
      const auto counter = in.varint();
      if (!stream || !epoch || !counter || *counter >= reject_after_messages || out.resealed) {
        return false;
      }
      out.resealed = Origin{StreamId{*stream}, *epoch, *counter};
      return true;
    }
    case RecordType::durable: {
      const auto stream = in.array<8>();
      const auto number = in.varint();
      if (!stream || !number || *number >= durable_numbers_end || out.durable) return false;
      out.durable = Durable{StreamId{*stream}, *number};
      return true;
    }
    case RecordType::content_type:
      if (out.content_type) return false;
      out.content_type = text(in);
      return out.content_type.has_value();
    case RecordType::user_property: {
      const auto name = text(in);
      const auto value = text(in);
      if (!name || !value || out.user_properties.size() == user_properties) return false;
      out.user_properties.emplace_back(*name, *value);
      return true;
    }
  }
  return false;
}

void put_type(Bytes& out, RecordType type) { out.push_back(static_cast<std::uint8_t>(type)); }

}  // namespace

std::optional<Content> decode_content(ByteView plaintext) {
  Reader in(plaintext);
  std::optional<Content> content(std::in_place);
  bool good = true;
  do {
    const auto type = in.u8();
    good = type && decode_one(static_cast<RecordType>(*type), in, *content);
  } while (good && !in.empty());
  good = good && has_body(*content) && (content->retained || !content->resealed) &&
         (content->payload || (!content->durable && !content->retained));
  if (!good) content.reset();
  return content;
}

bool well_formed(const Content& content) {
  const int bodies = (content.payload ? 1 : 0) + (content.ping ? 1 : 0) + (content.online ? 1 : 0);
  return bodies == 1 && (content.retained || !content.resealed) &&
         (content.payload || !content.retained) &&
         (!content.durable || (content.payload && content.durable->number < durable_numbers_end)) &&
         content.user_properties.size() <= user_properties &&
         (!content.content_type || valid_utf8(*content.content_type)) &&
         std::ranges::all_of(content.user_properties, [](const auto& property) {
           return valid_utf8(property.first) && valid_utf8(property.second);
         });
}

Bytes encode(const Content& content, protocol::Pad pad) {
  Bytes out;
  out.reserve((content.payload ? content.payload->size() : 0) + 64);
  if (content.time) {
    put_type(out, RecordType::time);
    put_varint(out, *content.time);
  }
  if (content.retained) put_type(out, RecordType::retained);
  if (content.resealed) {
    put_type(out, RecordType::resealed);
    append(out, content.resealed->stream.bytes);
    put_varint(out, content.resealed->epoch);
    put_varint(out, content.resealed->counter);
  }
  if (content.durable) {
    put_type(out, RecordType::durable);
    append(out, content.durable->stream.bytes);
    put_varint(out, content.durable->number);
  }
  if (content.content_type) {
    put_type(out, RecordType::content_type);
    put_sized(out, as_bytes(*content.content_type));
  }
  for (const auto& [name, value] : content.user_properties) {
    put_type(out, RecordType::user_property);
    put_sized(out, as_bytes(name));
    put_sized(out, as_bytes(value));
  }
  if (content.ping) put_type(out, RecordType::ping);
  if (content.online) {
    put_type(out, RecordType::online);
    append(out, content.online->bytes);
  }
  if (content.payload && pad == protocol::Pad::none) {
    put_type(out, RecordType::data);
    append(out, *content.payload);
  } else if (content.payload) {
    put_type(out, RecordType::sized_data);
    put_sized(out, *content.payload);
  }
  out.resize(protocol::padded_size(out.size(), pad));
  return out;
}

Digest digest(const Content& content) {
  Content original = content;
  original.resealed.reset();
  const auto hash = crypto::hash(encode(original, protocol::Pad::none));
  Digest out;
  std::copy_n(hash.begin(), out.size(), out.begin());
  return out;
}

}  // namespace sts::channel
