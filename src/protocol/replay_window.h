// Which counters of a session were seen: a ring of bits, as in RFC 6479.
#pragma once

#include <array>
#include <cstdint>

namespace sts::protocol {

class ReplayWindow {
 public:
  /// How far behind the highest counter seen a counter may still be new.
  static constexpr std::uint64_t size = 2048;

  /// Whether `counter` is new and not too old to tell. Changes nothing: ask before opening, mark
  /// after.
  bool is_new(std::uint64_t counter) const {
    if (counter >= next_) return true;
    if (next_ - counter > size) return false;
    return (words_[word(counter)] & bit(counter)) == 0;
  }

  /// Only for a counter that is_new() and whose frame was authentic.
  void mark(std::uint64_t counter) {
    if (counter >= next_) {
      // Words between the old and the new highest counter hold bits of a round before.
      const std::uint64_t last = next_ == 0 ? 0 : (next_ - 1) / 64;
      const std::uint64_t steps = counter / 64 - last;
      for (std::uint64_t i = 1; i <= steps && i <= words_.size(); ++i) {
        words_[word((last + i) * 64)] = 0;
      }
      next_ = counter + 1;
    }
    words_[word(counter)] |= bit(counter);
  }

  /// The highest counter seen plus one.
  std::uint64_t next() const { return next_; }

 private:
  // One word more than the window, so that the word being filled never holds bits still asked for.
  std::array<std::uint64_t, size / 64 + 1> words_{};
  std::uint64_t next_ = 0;

  std::size_t word(std::uint64_t counter) const {
    return static_cast<std::size_t>((counter / 64) % words_.size());
  }
  static std::uint64_t bit(std::uint64_t counter) { return std::uint64_t{1} << (counter % 64); }
};

}  // namespace sts::protocol
