// Goes through a lane of the outbox in its order, with one batch of it in memory.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "base/result.h"
#include "client/messenger.h"
#include "store/outbox.h"

namespace sts::client {

class OutboxCursor {
 public:
  /// The references must outlive it. Logs what can't be opened.
  OutboxCursor(store::Outbox& outbox, const store::Outbox::Lane& lane,
               const std::function<void(const Line&)>& log)
      : outbox_(outbox), lane_(lane), log_(log) {}

  /// The one that is due, until pop() or rewind(); null: at the end. What is too old by then is
  /// dropped from the outbox.
  Result<const store::Outbox::Entry*> front(std::uint64_t now_ms);
  store::Outbox::Entry pop();
  /// To the first that is in the outbox.
  void rewind();
  /// There may be more behind the end.
  void look_again() { at_end_ = false; }
  bool at_end() const { return at_end_; }

 private:
  store::Outbox& outbox_;
  const store::Outbox::Lane& lane_;
  const std::function<void(const Line&)>& log_;
  std::uint64_t next_ = 0;
  std::deque<store::Outbox::Entry> fetched_;
  bool at_end_ = false;
};

}  // namespace sts::client
