// 32 secret bytes of STS 1: a private key or a shared secret.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace sts::legacy {

/// Move-only, and wiped when it goes or is moved from.
class Secret {
 public:
  Secret() = default;  // all zero
  explicit Secret(std::span<const std::uint8_t, 32> bytes) {
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

  std::span<const std::uint8_t, 32> bytes() const { return bytes_; }
  std::span<std::uint8_t, 32> writable() { return bytes_; }

 private:
  void wipe();

  std::array<std::uint8_t, 32> bytes_{};
};

}  // namespace sts::legacy
