#include "cli/intake.h"

#include <asio/post.hpp>
#include <utility>

namespace sts::cli {
namespace {

/// A packet is read in one turn of the loop and told in the next: after so many without one,
/// nothing more is there.
constexpr int idle_turns = 4;
/// At QoS 0 nothing ends a batch but its size.
constexpr std::uint64_t messages_at_once = 1000;

}  // namespace

Intake::Intake(asio::io_context& loop, Random& random, Owner owner)
    : loop_(loop),
      random_(random),
      owner_(std::move(owner)),
      retry_(loop, client::boot_time, [this] { save(); }) {}

std::uint64_t Intake::hand_on(std::size_t messages) {
  const auto first = handed_on_ + 1;
  handed_on_ += messages;
  return first;
}

void Intake::came() {
  ++came_;
  if (paused_ || closing_ || std::exchange(closing_soon_, true)) return;
  close_soon(came_, 0);
}

void Intake::close_soon(std::uint64_t seen, int idle) {
  asio::post(loop_, [this, seen, idle] {
    if (finished_) return;
    if (came_ != seen && came_ - acknowledged_ < messages_at_once) return close_soon(came_, 0);
    if (came_ == seen && idle < idle_turns) return close_soon(seen, idle + 1);
    closing_soon_ = false;
    close();
  });
}

void Intake::close() {
  if (finished_ || paused_) return;
  if (taken_ != handed_on_) {  // what comes meanwhile would have to be waited for as well
    closing_ = true;
    return owner_.hold(true);
  }
  save();
}

void Intake::taken(std::uint64_t place) {
  taken_ = place;
  if (closing_ && taken_ == handed_on_ && !finished_) save();
}

void Intake::save() {
  if (finished_ || taken_ != handed_on_) return;
  const auto saved = owner_.save();
  if (!saved && (saved.error().code == Errc::malformed || saved.error().code == Errc::refused)) {
    finished_ = true;
    return owner_.failed(saved.error());
  }
  if (!saved) {
    if (!std::exchange(paused_, true)) {
      owner_.troubled({saved.error().code,
                       saved.error().message + "; the broker keeps what comes until that works",
                       saved.error().hint});
      owner_.pause(true);
    }
    return retry_.set(client::boot_time() + backoff_.next(random_));
  }
  owner_.acknowledge();
  acknowledged_ = came_;
  if (std::exchange(closing_, false)) owner_.hold(false);
  backoff_.reset();
  if (std::exchange(paused_, false)) owner_.pause(false);
}

void Intake::finish() {
  if (std::exchange(finished_, true)) return;
  retry_.set(never);
  if (taken_ != handed_on_) return;
  if (auto saved = owner_.save(); !saved) return owner_.troubled(saved.error());
  owner_.acknowledge();
}

}  // namespace sts::cli
