// Bounds what strangers can make us do.
#pragma once

#include <algorithm>

#include "base/time.h"

namespace sts::protocol {

class TokenBucket {
 public:
  /// `burst` at once, then one every `interval`.
  TokenBucket(int burst, Duration interval) : burst_(burst), interval_(interval), tokens_(burst) {}

  bool take(Instant now) {
    if (tokens_ == burst_) since_ = now;
    const auto gained = std::max<Duration::rep>(0, (now - since_) / interval_);
    if (gained >= burst_ - tokens_) {
      tokens_ = burst_;
      since_ = now;
    } else {
      tokens_ += static_cast<int>(gained);
      since_ += gained * interval_;
    }
    if (tokens_ <= 0) return false;
    --tokens_;
    return true;
  }
  /// One more for what take() let pass, in debt if need be: take() refuses until that is paid off.
  void owe() { --tokens_; }
  /// What was taken last turned out to be no stranger's.
  void give_back() { tokens_ = std::min(tokens_ + 1, burst_); }

 private:
  int burst_;
  Duration interval_;
  int tokens_;
  Instant since_{};
};

}  // namespace sts::protocol
