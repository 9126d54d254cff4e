// Our code and the bare libsodium calls that it makes are timed in short turns, one after the
// other, so that what disturbs the machine disturbs both; the ratio is the median of the turns'
// ratios.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace sts::bench {

inline constexpr std::size_t messages = 200;  // of a turn
inline constexpr std::size_t turns = 1500;

inline void check(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "%s\n", what);
  std::exit(1);
}

/// Nanoseconds that `work()` takes.
template <typename Work>
double time_of(Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  return took.count();
}

/// Nanoseconds per message of `step(i)` for every i below `messages`.
template <typename Step>
double time_turn(Step step) {
  return time_of([&] {
           for (std::size_t i = 0; i < messages; ++i) step(i);
         }) /
         messages;
}

inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

struct Series {
  std::vector<double> ours, bare, ratio;

  /// `our_step(i)` and `bare_step(i)`, each for every i below `messages`; who comes first takes
  /// turns.
  template <typename Ours, typename Bare>
  void take_turn(std::size_t turn, Ours our_step, Bare bare_step) {
    const bool ours_first = turn % 2 == 0;
    double our_time = ours_first ? time_turn(our_step) : 0;
    const double bare_time = time_turn(bare_step);
    if (!ours_first) our_time = time_turn(our_step);
    ours.push_back(our_time);
    bare.push_back(bare_time);
    ratio.push_back(our_time / bare_time);
  }
  void print(const char* what, std::size_t size) const {
    std::printf(
        "{\"what\": \"%s\", \"bytes\": %zu, \"sts_ns\": %.1f, \"libsodium_ns\": %.1f, "
        "\"ratio\": %.3f}\n",
        what, size, median(ours), median(bare), median(ratio));
  }
};

}  // namespace sts::bench
