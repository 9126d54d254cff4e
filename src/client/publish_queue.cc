#include "client/publish_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sts::client {

Result<void> PublishQueue::push(mqtt::Message message, std::uint64_t tag) {
  bytes_ += message.payload.size();
  waiting_.push_back({std::move(message), tag});
  if (!online_) return {};
  auto published = publish(waiting_.back());
  if (published) return {};
  forget(waiting_.size() - 1);
  // Whatever it was: not Errc::limit, after which there would be room.
  return fail(Errc::refused, published.error().message, published.error().hint);
}

void PublishQueue::online(bool resumed) {
  online_ = true;
  // Only what waits now: whoever hears of it may push more.
  const auto count = waiting_.size();
  for (std::size_t i = 0, at = 0; i < count && online_; ++i) {
    auto& waiting = waiting_[at];
    if (resumed && waiting.id != 0) {
      ++at;
      continue;
    }
    const auto published = publish(waiting);
    if (published) {
      ++at;
      continue;
    }
    forget(at);
    owner_.on_given_up(published.error());
  }
}

std::uint64_t PublishQueue::published(mqtt::PublishId id, const Result<void>& outcome) {
  const auto found = std::ranges::find(waiting_, id, &Waiting::id);
  if (found == waiting_.end()) return 0;
  const auto tag = found->tag;
  forget(static_cast<std::size_t>(std::distance(waiting_.begin(), found)));
  if (!outcome) owner_.on_given_up(outcome.error());
  return tag;
}

/// An error where it can't ever be published; without a connection it goes on waiting.
Result<void> PublishQueue::publish(Waiting& waiting) {
  const auto published = owner_.publish(waiting.message);
  if (published) {
    waiting.id = *published;
    owner_.on_handed_over(waiting.message);
  } else if (published.error().code != Errc::io) {
    return tl::unexpected<Error>(published.error());
  }
  return {};
}

void PublishQueue::forget(std::size_t at) {
  bytes_ -= waiting_[at].message.payload.size();
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace sts::client
