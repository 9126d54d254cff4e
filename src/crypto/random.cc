#include "crypto/random.h"

#include <array>

namespace sts::crypto {
namespace {

std::array<std::uint8_t, 8> little_endian(std::uint64_t value) {
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
  return bytes;
}

}  // namespace

void SystemRandom::fill(MutableBytes out) {
  if (!out.empty()) randombytes_buf(out.data(), out.size());  // it takes no null pointer
}

SeededRandom::SeededRandom(std::uint64_t seed) {
  const auto bytes = little_endian(seed);
  std::copy(bytes.begin(), bytes.end(), seed_.writable().begin());
}

void SeededRandom::fill(MutableBytes out) {
  const auto nonce = little_endian(calls_++);
  if (out.empty()) return;
  crypto_stream_chacha20(out.data(), out.size(), nonce.data(), seed_.bytes().data());
}

}  // namespace sts::crypto
