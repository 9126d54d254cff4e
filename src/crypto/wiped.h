// Memory that is wiped wherever it is freed: for what holds secrets beside other things, or is
// longer than is known before.
#pragma once

#include <sodium.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"

namespace sts::crypto {

template <typename T>
struct WipingAllocator {
  using value_type = T;
  WipingAllocator() = default;
  template <typename U>
  explicit WipingAllocator(const WipingAllocator<U>&) {}

  T* allocate(std::size_t n) { return std::allocator<T>().allocate(n); }
  void deallocate(T* memory, std::size_t n) {
    sodium_memzero(memory, n * sizeof(T));
    std::allocator<T>().deallocate(memory, n);
  }
  friend bool operator==(const WipingAllocator&, const WipingAllocator&) { return true; }
};

/// What grows or is freed leaves nothing behind.
using WipedBytes = std::vector<std::uint8_t, WipingAllocator<std::uint8_t>>;

inline void append(WipedBytes& to, ByteView more) { to.insert(to.end(), more.begin(), more.end()); }

}  // namespace sts::crypto
