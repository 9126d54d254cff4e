// A timer on the loop, by the clock that the client is given.
#pragma once

#include <asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "base/time.h"

namespace sts::client {

/// Tells the time; tests move one by hand.
using Clock = std::function<Instant()>;

/// The boot clock: unlike the steady one it counts the time that the machine was suspended. Keys
/// age meanwhile.
Instant boot_time();

class Timer {
 public:
  /// Asks the clock every `look`: the loop's own stands still while the machine is suspended, so
  /// that after it `due` comes as much too late, but for this.
  Timer(asio::io_context& loop, Clock clock, std::function<void()> due,
        Duration look = std::chrono::seconds(30))
      : timer_(loop), clock_(std::move(clock)), due_(std::move(due)), look_(look) {}

  /// Calls `due` from the loop at `at`, in place of what was set before; `never`: not at all.
  void set(Instant at);

 private:
  void wait();

  asio::steady_timer timer_;
  Clock clock_;
  std::function<void()> due_;
  Duration look_;
  Instant at_ = never;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace sts::client
