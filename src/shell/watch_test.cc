#include "shell/watch.h"

#include <gtest/gtest.h>

namespace sts::shell {
namespace {

TEST(Rates, TheBusiestTopicsFirst) {
  Rates rates;
  rates.add("a", 10);
  for (int i = 0; i < 4; ++i) rates.add("b", 5);
  EXPECT_EQ(rates.lines(2), (std::vector<std::string>{"       2.0 msg/s         10.0 B/s  b",
                                                      "       0.5 msg/s          5.0 B/s  a"}));
  EXPECT_EQ(Rates().lines(1), std::vector<std::string>{"no messages"});
}

TEST(Rates, ManyTopicsAreCountedTogether) {
  Rates rates;
  for (std::size_t i = 0; i < Rates::max_topics + 100; ++i) rates.add(std::to_string(i), 1);
  const auto lines = rates.lines(1);
  ASSERT_EQ(lines.size(), Rates::max_lines + 1);
  EXPECT_EQ(lines.back(), "     336.0 msg/s        336.0 B/s  (all other topics)");
}

TEST(Watch, ShowsAsOftenAsAskedAndThenEnds) {
  asio::io_context loop;
  Watch watch(loop);
  std::vector<std::string> shown;
  int ended = 0;
  watch.on_ended([&] { ++ended; });
  watch.start(std::chrono::seconds(0), 3,
              [&](const auto& lines) { shown.insert(shown.end(), lines.begin(), lines.end()); });
  loop.run();
  EXPECT_EQ(shown, std::vector<std::string>(3, "no messages"));
  EXPECT_EQ(ended, 1);
  EXPECT_FALSE(watch.running());
}

TEST(Watch, StopEndsIt) {
  asio::io_context loop;
  Watch watch(loop);
  int ended = 0;
  watch.on_ended([&] { ++ended; });
  watch.start(std::chrono::hours(1), 0, [](const auto&) { FAIL(); });
  watch.stop();
  watch.stop();
  loop.run();
  EXPECT_EQ(ended, 1);
}

}  // namespace
}  // namespace sts::shell
