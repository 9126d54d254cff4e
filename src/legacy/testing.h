// What the tests of this room share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/hex.h"
#include "base/random.h"
#include "legacy/session.h"

namespace sts::legacy {

inline Bytes from_hex(std::string_view digits) { return sts::from_hex(digits).value(); }

/// Hands out the scripted private keys first, 32 big-endian bytes each, then what a fixed seed
/// gives.
class ScriptedRandom : public Random {
 public:
  explicit ScriptedRandom(std::deque<Bytes> keys = {}) : keys_(std::move(keys)) {}

  void fill(MutableBytes out) override {
    ++calls;
    if (!keys_.empty()) {
      std::copy_n(keys_.front().begin(), out.size(), out.begin());
      keys_.pop_front();
      return;
    }
    for (auto& byte : out) byte = static_cast<std::uint8_t>(engine_());
  }

  int calls = 0;

 private:
  std::deque<Bytes> keys_;
  std::mt19937 engine_{1};
};

template <typename T>
std::vector<T> all(const Effects& effects) {
  std::vector<T> out;
  for (const auto& effect : effects) {
    if (const auto* it = std::get_if<T>(&effect)) out.push_back(*it);
  }
  return out;
}

/// The payloads to publish, as text.
inline std::vector<std::string> published(const Effects& effects) {
  std::vector<std::string> out;
  for (const auto& it : all<Publish>(effects)) out.emplace_back(as_text(it.payload));
  return out;
}

inline std::vector<std::string> delivered(const Effects& effects) {
  std::vector<std::string> out;
  for (const auto& it : all<Deliver>(effects)) out.emplace_back(as_text(it.text));
  return out;
}

inline std::string notes(const Effects& effects) {
  std::string out;
  for (const auto& it : all<Note>(effects)) out += it.text + "\n";
  return out;
}

}  // namespace sts::legacy
