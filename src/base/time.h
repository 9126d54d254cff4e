// Time as the rooms see it: a number handed in by whoever owns the clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace sts {

using std::chrono::milliseconds;

/// A point on a clock that never goes back. Only main() reads it from the system; the protocol is
/// told.
using Instant = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
using Duration = std::chrono::nanoseconds;

/// Milliseconds since 1970; 0 for what is before.
inline std::uint64_t unix_ms(std::chrono::system_clock::time_point at) {
  const auto since = std::chrono::floor<milliseconds>(at.time_since_epoch()).count();
  return since < 0 ? 0 : static_cast<std::uint64_t>(since);
}

/// In unix_ms(), in 2024: a clock that shows less was never set.
inline constexpr std::uint64_t first_right_clock_ms = 1'704'067'200'000;

/// The deadline of something that waits for no time at all.
inline constexpr Instant never = Instant::max();

}  // namespace sts
