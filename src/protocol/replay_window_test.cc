#include "protocol/replay_window.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace sts::protocol {
namespace {

TEST(ReplayWindow, TakesEachCounterOnce) {
  ReplayWindow window;
  for (const std::uint64_t counter : {0U, 2U, 1U, 64U, 63U, 65U}) {
    EXPECT_TRUE(window.is_new(counter)) << counter;
    window.mark(counter);
    EXPECT_FALSE(window.is_new(counter)) << counter;
  }
  EXPECT_EQ(window.next(), 66U);
}

TEST(ReplayWindow, Remembers2048) {
  for (const std::uint64_t highest : {2048U, 5000U, 5055U, 5056U, 100'000U}) {
    ReplayWindow window;
    window.mark(highest);
    EXPECT_TRUE(window.is_new(highest - 2047)) << highest;
    EXPECT_FALSE(window.is_new(highest - 2048)) << highest;
  }
}

TEST(ReplayWindow, AgreesWithASetOverRandomWalks) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    ReplayWindow window;
    std::set<std::uint64_t> seen;
    std::uint64_t next = 0;
    const std::uint64_t stride = std::uint64_t{1} << random() % 13;
    for (int step = 0; step < 3000; ++step) {
      const std::uint64_t low = next > 2500 ? next - 2500 : 0;
      const std::uint64_t counter =
          random() % 3 == 0 ? next + random() % stride : low + random() % (next - low + 1);
      const bool is_new = counter + ReplayWindow::size >= next && !seen.contains(counter);
      ASSERT_EQ(window.is_new(counter), is_new) << counter << " of " << next;
      if (!is_new) continue;
      window.mark(counter);
      seen.insert(counter);
      next = std::max(next, counter + 1);
      ASSERT_EQ(window.next(), next);
    }
  }
}

TEST(ReplayWindow, HoldsAtTheEndOfAllCounters) {
  ReplayWindow window;
  const std::uint64_t last = UINT64_MAX - 1;
  window.mark(last);
  EXPECT_FALSE(window.is_new(last));
  EXPECT_TRUE(window.is_new(last - 2047));
  EXPECT_FALSE(window.is_new(last - 2048));
}

}  // namespace
}  // namespace sts::protocol
