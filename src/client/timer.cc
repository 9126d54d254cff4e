#include "client/timer.h"

#include <algorithm>
#include <chrono>
#include <ctime>

namespace sts::client {

Instant boot_time() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return Instant(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

void Timer::set(Instant at) {
  if (at == at_) return;
  at_ = at;
  if (at == never) {
    timer_.cancel();
  } else {
    wait();
  }
}

void Timer::wait() {
  const Instant now = clock_();
  timer_.expires_after(std::min(std::max(at_, now) - now, look_));  // at_ may be Instant::min()
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](const asio::error_code& cancelled) {
    if (cancelled || alive.expired() || at_ == never) return;
    if (clock_() < at_) return wait();
    at_ = never;
    due_();
  });
}

}  // namespace sts::client
