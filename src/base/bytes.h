// Bytes, and the views over them that every room passes around.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sts {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

/// The bytes of `text`, without a terminator; a view, so `text` must outlive it.
inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// The same bytes seen as text, of whatever encoding; a view.
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }

inline void append(Bytes& to, ByteView more) { to.insert(to.end(), more.begin(), more.end()); }

}  // namespace sts
