// The only place secrets live: fixed size, moved but never copied by accident, wiped, unprintable.
#pragma once

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>

namespace sts::crypto {

/// N secret bytes. Wiped when destroyed and when moved from; compared in constant time; there is no
/// way to print one. Copying has to be asked for with clone().
template <std::size_t N>
class Secret {
 public:
  static constexpr std::size_t size = N;

  Secret() = default;  // all zero
  explicit Secret(std::span<const std::uint8_t, N> bytes) {
    std::copy(bytes.begin(), bytes.end(), bytes_.begin());
  }
  ~Secret() { wipe(); }

  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      other.wipe();
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  Secret clone() const { return Secret(bytes()); }
  void wipe() { sodium_memzero(bytes_.data(), N); }

  std::span<const std::uint8_t, N> bytes() const { return bytes_; }
  /// For whoever computes or reads the secret in place.
  std::span<std::uint8_t, N> writable() { return bytes_; }

  friend bool operator==(const Secret& a, const Secret& b) {
    return sodium_memcmp(a.bytes_.data(), b.bytes_.data(), N) == 0;
  }

 private:
  std::array<std::uint8_t, N> bytes_{};
};

}  // namespace sts::crypto
