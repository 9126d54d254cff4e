// A timer whose clock is moved as a machine that wakes up moves it.
#include "client/timer.h"

#include <gtest/gtest.h>

namespace sts::client {
namespace {

using namespace std::chrono_literals;

/// How long a test that fails waits.
constexpr auto patience = 30s;

class TimerTest : public testing::Test {
 protected:
  /// Until it was due, or nothing is awaited any more.
  void run() {
    while (due_ == 0 && loop.run_one_for(patience) > 0) {
    }
  }

  asio::io_context loop;
  Instant now{1h};
  int looks = 0, due_ = 0;
  Duration step{};
  Timer timer{loop,
              [this] {
                ++looks;
                now += step;
                return now;
              },
              [this] { ++due_; }, 1ms};
};

TEST_F(TimerTest, IsDueWhenTheClockWentOnWithoutTheLoop) {
  timer.set(now + 1h);
  now += 1h;  // the machine was suspended
  run();
  EXPECT_EQ(due_, 1);
}

TEST_F(TimerTest, IsNotDueBeforeTheClockSaysSo) {
  step = 10min;
  const Instant at = now + 1h;
  timer.set(at);
  run();
  EXPECT_EQ(due_, 1);
  EXPECT_EQ(now, at);
}

TEST_F(TimerTest, WhatWasAlwaysDueIsDueAtOnce) {
  Timer always(
      loop, [this] { return now; }, [this] { ++due_; }, 1h);
  always.set(Instant::min());
  run();
  EXPECT_EQ(due_, 1);
}

TEST_F(TimerTest, LooksNoMoreWhenNothingIsAwaited) {
  timer.set(now + 1h);
  timer.set(never);
  run();
  EXPECT_EQ(due_, 0);
  EXPECT_TRUE(loop.stopped());
  EXPECT_EQ(looks, 1);
}

}  // namespace
}  // namespace sts::client
