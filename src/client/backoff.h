// How long to wait before the next try.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <utility>

#include "base/random.h"
#include "base/time.h"

namespace sts::client {

class Backoff {
 public:
  void reset() { wait_ = first; }

  /// Between half and all of a time that doubles up to a minute, so that a fleet doesn't come back
  /// in step.
  Duration next(Random& random) {
    std::array<std::uint8_t, 1> jitter{};
    random.fill(jitter);
    const Duration half = std::exchange(wait_, std::min(2 * wait_, longest)) / 2;
    return half + half * jitter[0] / 255;
  }

 private:
  static constexpr Duration first = std::chrono::seconds(1);
  static constexpr Duration longest = std::chrono::minutes(1);
  Duration wait_ = first;
};

}  // namespace sts::client
