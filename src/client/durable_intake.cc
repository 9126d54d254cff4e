#include "client/durable_intake.h"

#include <algorithm>

namespace sts::client {
namespace {

// In memory; any other is read again.
constexpr std::size_t queues_known = 1024;

}  // namespace

Result<void> DurableIntake::use_inbox(const store::Inbox::Options& options) {
  auto inbox = store::Inbox::open(options, identity_, random_);
  if (!inbox) return tl::unexpected(inbox.error());
  inbox_.emplace(std::move(*inbox));
  return {};
}

Result<store::ReaderStore::Change> DurableIntake::begin() {
  if (inbox_) return inbox_->begin();
  if (!state_) {
    auto state = store::State::open(home_, identity_, random_);
    if (!state) return tl::unexpected(state.error());
    warning_ = state->warning();
    state_.emplace(std::move(*state));
  }
  return state_->ReaderStore::begin();
}

void DurableIntake::forget_settled() {
  if (marks_.size() < queues_known) return;
  std::erase_if(marks_, [](const auto& one) { return one.second.next == one.second.on_disk; });
}

Result<protocol::DurableVerdict> DurableIntake::judge(const crypto::PublicKey& peer,
                                                      const protocol::DurableNumber& number) {
  const Queue queue{peer, number.queue};
  auto mark = marks_.find(queue);
  if (mark == marks_.end()) {
    auto change = begin();
    if (!change) return tl::unexpected(change.error());
    const auto next = change->taken_next(peer, number.queue);
    if (!next) return tl::unexpected(next.error());
    forget_settled();
    mark = marks_.emplace(queue, Mark{*next, *next}).first;
  }
  return protocol::judge(number, mark->second.next);
}

std::uint64_t DurableIntake::hand_on(const crypto::PublicKey& peer,
                                     const protocol::DurableNumber& number) {
  const Queue queue{peer, number.queue};
  marks_.at(queue).next = number.number + 1;
  handed_on_.push_back({++places_, queue, number.number + 1});
  return places_;
}

DurableIntake::Told DurableIntake::known(const crypto::PublicKey& peer,
                                         const protocol::StreamId& queue) const {
  return {peer, {queue, marks_.at({peer, queue}).on_disk}};
}

Result<std::vector<DurableIntake::Told>> DurableIntake::taken(
    std::uint64_t place, std::span<const store::Inbox::Message> rows) {
  std::map<Queue, std::uint64_t> next;
  const auto end =
      std::ranges::find_if(handed_on_, [&](const auto& one) { return one.place > place; });
  for (auto at = handed_on_.begin(); at != end; ++at) next[at->queue] = at->next;
  std::vector<Told> out;
  if (next.empty() && rows.empty()) return out;
  auto change = begin();
  if (!change) return tl::unexpected(change.error());
  for (const auto& [queue, number] : next) {
    const auto there = change->taken_next(queue.first, queue.second);
    if (!there) return tl::unexpected(there.error());
    if (*there > marks_.at(queue).on_disk) {
      return fail(Errc::refused, "another process takes the same messages, and has taken these",
                  "let one at a time run");
    }
  }
  if (inbox_) {
    if (auto put = inbox_->put(rows); !put) return tl::unexpected(put.error());
  }
  for (const auto& [queue, number] : next) {
    if (auto put = change->put_taken(queue.first, queue.second, number); !put) {
      return tl::unexpected(put.error());
    }
  }
  if (auto done = change->commit(); !done) return tl::unexpected(done.error());
  handed_on_.erase(handed_on_.begin(), end);
  for (const auto& [queue, number] : next) {
    marks_.at(queue).on_disk = number;
    out.push_back({queue.first, {queue.second, number}});
  }
  return out;
}

}  // namespace sts::client
