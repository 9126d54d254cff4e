// Messages on their way into the outbox: many at once, in one transaction that waits for the disk.
#pragma once

#include <asio/io_context.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "store/outbox.h"

namespace sts::client {

class Acceptance {
 public:
  /// `due`: commit() is, from the loop and never from within a call, once no more is put in at each
  /// turn of it. The references are not owned.
  Acceptance(asio::io_context& loop, store::Outbox& outbox, std::function<void()> due)
      : loop_(loop), outbox_(outbox), due_(std::move(due)) {}

  /// Nothing more is to be put in until commit() made room.
  bool full() const;
  /// The outbox is, so that commit() is to be tried again once something was taken out of it.
  bool blocked() const { return blocked_; }
  void put(store::Outbox::Message message);
  /// All that fits is on the disk then; whether anything was put there. After an error nothing that
  /// was put in is, or will be; how much that was, size() tells until clear().
  Result<bool> commit();
  /// Put in, and not on the disk.
  std::size_t size() const { return pending_.size(); }
  void clear();
  /// Asks for commit().
  void soon();

 private:
  void ask(std::size_t seen);

  asio::io_context& loop_;
  store::Outbox& outbox_;
  std::function<void()> due_;
  std::vector<store::Outbox::Message> pending_;
  std::size_t bytes_ = 0;  // of them
  bool blocked_ = false, asked_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace sts::client
