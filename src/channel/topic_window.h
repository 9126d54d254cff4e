// What a reader has seen of one topic of one epoch: repeats, and what is missing.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/reader.h"
#include "protocol/replay_window.h"

namespace sts::channel {

class TopicWindow {
 public:
  /// `from_start`: the reader was subscribed before the epoch began, so its first counter is due.
  explicit TopicWindow(bool from_start) {
    if (from_start) first_due_ = 0;
  }

  bool is_new(std::uint64_t counter) const;
  /// So far below the highest that it can't be told whether it was seen.
  bool out_of_sight(std::uint64_t counter) const { return counter < known(); }

  struct Change {
    std::uint64_t missing = 0;  // became known to be missing
    bool found = false;         // was missing, and is not any more
    bool reordered = false;     // came after a later one
  };
  /// For a counter that is_new() and came as it was sent.
  Change mark_live(std::uint64_t counter);

  /// For a counter that is_new() and came because of a subscription: whatever was sent before it
  /// may still be on its way. Returns whether it was missing.
  bool mark_retained(std::uint64_t counter);

  /// The sender sealed all counters below `next` and no more. Returns how many more are missing.
  std::uint64_t finish(std::uint64_t next);

  /// The reader was subscribed before the epoch began, after all. Returns how many are missing.
  std::uint64_t due_from_start();

  /// What is sent from here to the next that comes live isn't due.
  void pause() {
    first_due_.reset();
    highest_due_ = missing_ = 0;
  }

  std::uint64_t missing() const { return missing_; }
  /// Of a finished one: nothing new can come.
  bool complete() const { return first_due_ && missing_ == 0; }

  void put(Bytes& out) const;
  /// No counter comes as far as `end`.
  static std::optional<TopicWindow> get(sts::Reader& in, std::uint64_t end);

 private:
  /// From here on the window can tell.
  std::uint64_t known() const;
  bool consistent(std::uint64_t end) const;
  std::uint64_t unseen(std::uint64_t from, std::uint64_t to) const;
  void mark(std::uint64_t counter);

  protocol::ReplayWindow seen_;
  // Came as retained messages, above all that came live. In the window they would push out what is
  // still on its way.
  std::vector<std::uint64_t> ahead_;
  std::optional<std::uint64_t> first_due_;
  std::uint64_t highest_due_ = 0;  // from first_due_ to below, all were seen or are missing
  std::uint64_t missing_ = 0;
};

}  // namespace sts::channel
