// Time as the rooms see it: a number handed in by whoever owns the clock.
#pragma once

#include <chrono>

namespace sts {

using std::chrono::milliseconds;

/// A point on a clock that never goes back. Only main() reads it from the system; the protocol is
/// told.
using Instant = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
using Duration = std::chrono::nanoseconds;

/// The deadline of something that waits for no time at all.
inline constexpr Instant never = Instant::max();

}  // namespace sts
