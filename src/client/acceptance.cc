#include "client/acceptance.h"

#include <asio/post.hpp>
#include <chrono>
#include <utility>

#include "base/time.h"

namespace sts::client {
namespace {

constexpr std::size_t batch_messages = 4096, batch_bytes = std::size_t{4} << 20U;

}  // namespace

bool Acceptance::full() const {
  return blocked_ || pending_.size() >= batch_messages || bytes_ >= batch_bytes;
}

void Acceptance::put(store::Outbox::Message message) {
  bytes_ += message.content.size();
  pending_.push_back(std::move(message));
  soon();
}

void Acceptance::soon() {
  if (!std::exchange(asked_, true)) ask(0);
}

void Acceptance::ask(std::size_t seen) {
  asio::post(loop_, [this, seen, alive = std::weak_ptr(alive_)] {
    if (!alive.lock()) return;
    if (pending_.size() > seen && !full()) return ask(pending_.size());
    asked_ = false;
    due_();
  });
}

Result<bool> Acceptance::commit() {
  if (pending_.empty()) return false;
  const auto done = outbox_.accept(pending_, unix_ms(std::chrono::system_clock::now()));
  if (!done) return tl::unexpected(done.error());
  blocked_ = *done < pending_.size();
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(*done));
  bytes_ = 0;
  for (const auto& one : pending_) bytes_ += one.content.size();
  return *done > 0;
}

void Acceptance::clear() {
  pending_.clear();
  bytes_ = 0;
  blocked_ = false;
}

}  // namespace sts::client
