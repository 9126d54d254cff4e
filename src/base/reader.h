// Takes a buffer apart from the front; every step can fail, none reads past the end.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace sts {

class Reader {
 public:
  explicit Reader(ByteView in) : in_(in) {}

  bool empty() const { return in_.empty(); }
  std::size_t left() const { return in_.size(); }

  std::optional<std::uint8_t> u8() {
    auto bytes = take(1);
    if (!bytes) return std::nullopt;
    return (*bytes)[0];
  }

  /// A 32-bit number in network byte order.
  std::optional<std::uint32_t> u32() {
    auto bytes = take(4);
    if (!bytes) return std::nullopt;
    std::uint32_t value = 0;
    for (auto byte : *bytes) value = value << 8U | byte;
    return value;
  }

  /// An unsigned LEB128 number in its shortest form; a longer form of the same number is refused,
  /// so that each number has one encoding.
  std::optional<std::uint64_t> varint();

  /// The next `size` bytes, as a view of the buffer.
  std::optional<ByteView> take(std::size_t size) {
    if (size > in_.size()) return std::nullopt;
    auto bytes = in_.first(size);
    in_ = in_.subspan(size);
    return bytes;
  }

  /// A varint and as many bytes, as a view.
  std::optional<ByteView> sized();

  template <std::size_t N>
  std::optional<std::array<std::uint8_t, N>> array() {
    auto bytes = take(N);
    if (!bytes) return std::nullopt;
    std::array<std::uint8_t, N> out{};
    std::copy(bytes->begin(), bytes->end(), out.begin());
    return out;
  }

  /// Calls `one`, which reads one and returns whether it was good, as often as a varint before them
  /// says; false where that is more than `most` or one wasn't.
  template <typename One>
  bool each(std::uint64_t most, One one) {
    const auto count = varint();
    if (!count || *count > most) return false;
    for (std::uint64_t i = 0; i < *count; ++i) {
      if (!one()) return false;
    }
    return true;
  }

  /// All that is left.
  ByteView rest() { return *take(in_.size()); }

 private:
  ByteView in_;
};

/// Appends to `out` what Reader takes apart.
void put_u16(Bytes& out, std::uint16_t value);
void put_u32(Bytes& out, std::uint32_t value);
void put_varint(Bytes& out, std::uint64_t value);
void put_sized(Bytes& out, ByteView bytes);

}  // namespace sts
