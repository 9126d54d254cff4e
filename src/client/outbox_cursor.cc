#include "client/outbox_cursor.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/counted.h"

namespace sts::client {
namespace {

constexpr std::size_t fetched_messages = 256, fetched_bytes = std::size_t{1} << 20U;

}  // namespace

Result<const store::Outbox::Entry*> OutboxCursor::front(std::uint64_t now_ms) {
  while (fetched_.empty() && !at_end_) {
    auto batch = outbox_.next(next_, fetched_messages, fetched_bytes, now_ms, &lane_);
    if (!batch) return tl::unexpected(batch.error());
    if (batch->unreadable > 0) {
      log_({Level::warning,
            counted(batch->unreadable, "message", "messages") +
                " in the outbox can't be opened: another identity's, or damaged",
            "'sts outbox purge --yes' removes all that is in it"});
    }
    at_end_ = batch->next == next_;
    next_ = batch->next;
    std::ranges::move(batch->entries, std::back_inserter(fetched_));
  }
  return fetched_.empty() ? nullptr : &fetched_.front();
}

store::Outbox::Entry OutboxCursor::pop() {
  auto out = std::move(fetched_.front());
  fetched_.pop_front();
  return out;
}

void OutboxCursor::rewind() {
  next_ = 0;
  fetched_.clear();
  at_end_ = false;
}

}  // namespace sts::client
