#include "protocol/durable.h"

#include "base/reader.h"
#include "protocol/limits.h"

namespace sts::protocol {

DurableVerdict judge(const DurableNumber& number, std::uint64_t next) {
  if (number.number < next) return DurableVerdict::repeat;
  return number.number - number.gap <= next ? DurableVerdict::take : DurableVerdict::early;
}

Bytes encode_durable(const DurableNumber& number, ByteView message) {
  Bytes out;
  out.reserve(sizeof number + message.size());
  append(out, number.queue);
  put_varint(out, number.number);
  put_varint(out, number.gap);
  append(out, message);
  return out;
}

std::optional<Durable> decode_durable(ByteView body) {
  Reader in(body);
  const auto queue = in.array<8>();
  const auto number = in.varint();
  const auto gap = in.varint();
  // Its `next` is a number, too.
  if (!queue || !number || !gap || *number >= numbers_end - 1 || *gap > *number) {
    return std::nullopt;
  }
  return Durable{{*queue, *number, *gap}, in.rest()};
}

Bytes encode_taken(const DurableTaken& taken) {
  Bytes out;
  append(out, taken.queue);
  put_varint(out, taken.next);
  return out;
}

std::optional<DurableTaken> decode_taken(ByteView body) {
  Reader in(body);
  const auto queue = in.array<8>();
  const auto next = in.varint();
  if (!queue || !next || *next > numbers_end || !in.empty()) return std::nullopt;
  return DurableTaken{*queue, *next};
}

}  // namespace sts::protocol
