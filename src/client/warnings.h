// No flood of warnings: whoever can publish can cause them.
#pragma once

#include <cstdint>
#include <functional>

#include "client/messenger.h"
#include "client/timer.h"
#include "protocol/token_bucket.h"

namespace sts::client {

/// Hands lines on, and of a flood of them some and how many more there were.
class Warnings {
 public:
  Warnings(Clock clock, std::function<void(const Line&)> show);

  void show(const Line& line);
  /// Tells what was left out so far.
  void end();

 private:
  Clock clock_;
  std::function<void(const Line&)> show_;
  protocol::TokenBucket budget_{20, std::chrono::seconds(1)};
  std::uint64_t left_out_ = 0;
};

}  // namespace sts::client
