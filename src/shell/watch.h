// What `watch` shows: how much comes on which topic.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace sts::shell {

/// Messages and bytes per topic since it was made or cleared.
class Rates {
 public:
  static constexpr std::size_t max_topics = 256;  // counted one by one; the rest together
  static constexpr std::size_t max_lines = 20;

  void add(const std::string& topic, std::size_t bytes);
  /// "messages/s bytes/s topic", the busiest first, for so many seconds.
  std::vector<std::string> lines(double seconds) const;

 private:
  struct Count {
    std::uint64_t messages = 0, bytes = 0;
  };
  static std::string line(const std::string& topic, const Count& count, double seconds);

  std::map<std::string, Count> topics_;
  Count others_;
};

class Watch {
 public:
  explicit Watch(asio::io_context& loop) : timer_(loop) {}

  /// Calls `show` with the lines each `interval`, `count` times (0: until stop()), then `ended`.
  void start(std::chrono::seconds interval, std::uint64_t count,
             std::function<void(const std::vector<std::string>&)> show);
  void stop();
  bool running() const { return running_; }
  void add(const std::string& topic, std::size_t bytes) {
    if (running_) rates_.add(topic, bytes);
  }
  /// Called whenever it ends.
  void on_ended(std::function<void()> call) { ended_ = std::move(call); }

 private:
  void next();

  asio::steady_timer timer_;
  std::chrono::seconds interval_{};
  std::uint64_t left_ = 0;
  bool running_ = false;
  std::chrono::steady_clock::time_point since_;
  Rates rates_;
  std::function<void(const std::vector<std::string>&)> show_;
  std::function<void()> ended_;
};

}  // namespace sts::shell
