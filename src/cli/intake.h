// What came of a kept subscription and wasn't acknowledged yet.
#pragma once

#include <asio/io_context.hpp>
#include <cstdint>
#include <functional>

#include "base/result.h"
#include "client/backoff.h"
#include "client/timer.h"

namespace sts::cli {

/// Acknowledges in batches: once whoever was handed the messages has them safe, and then what the
/// reader has seen is. As long as that can't be stored, the broker keeps them.
class Intake {
 public:
  /// QoS 1 messages of a batch; the broker sends no more before it is acknowledged.
  static constexpr std::uint16_t batch = 100;

  struct Owner {
    std::function<Result<void>()> save;  // Errc::malformed and refused: in vain, if tried again
    std::function<void(bool)> hold;      // no more for now
    std::function<void()> acknowledge;   // all that came so far
    std::function<void(bool)> pause;     // away from the broker, and back again
    std::function<void(const Error&)> failed;    // it can't go on
    std::function<void(const Error&)> troubled;  // it tries again
  };
  Intake(asio::io_context& loop, Random& random, Owner owner);

  /// About to hand so many messages on. Returns the place of the first; the others follow.
  std::uint64_t hand_on(std::size_t messages);
  /// Something came from the broker, and has been handed on.
  void came();
  /// Safe are all up to this place.
  void taken(std::uint64_t place);
  /// Nothing more comes: what is safe is acknowledged.
  void finish();

 private:
  void close_soon(std::uint64_t seen, int idle);
  void close();
  void save();

  asio::io_context& loop_;
  Random& random_;
  Owner owner_;
  client::Timer retry_;
  client::Backoff backoff_;
  std::uint64_t handed_on_ = 0, taken_ = 0;
  std::uint64_t came_ = 0, acknowledged_ = 0;  // from the broker
  bool closing_soon_ = false;                  // it is looked whether more comes
  bool closing_ = false;                       // waits for what was handed on
  bool paused_ = false, finished_ = false;
};

}  // namespace sts::cli
