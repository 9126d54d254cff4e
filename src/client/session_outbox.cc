#include "client/session_outbox.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/counted.h"
#include "client/outbox.h"
#include "client/outbox_message.h"

namespace sts::client {
namespace {

constexpr std::size_t fetched_messages = 256, fetched_bytes = std::size_t{1} << 20U;

std::uint64_t now_ms() { return unix_ms(std::chrono::system_clock::now()); }

}  // namespace

Result<std::unique_ptr<SessionOutbox>> SessionOutbox::open(asio::io_context& loop,
                                                           const store::Home& home,
                                                           const Options& options,
                                                           const crypto::PublicKey& peer,
                                                           Random& random, Owner owner) {
  auto outbox = open_outbox(home, options.outbox, random, owner.log);
  if (!outbox) return tl::unexpected(outbox.error());
  auto destination = session_destination(peer, options.topic);
  std::unique_ptr<SessionOutbox> out(
      new SessionOutbox(loop, std::move(*outbox), std::move(destination), std::move(owner)));
  auto lock = OutboxLock::open(loop, session_lock_file(home, out->destination_),
                               {[self = out.get()] {
                                  self->held_ = true;
                                  self->owner_.due();
                                },
                                [self = out.get()] {
                                  self->at_end_ = false;
                                  self->owner_.due();
                                }});
  if (!lock) return tl::unexpected(lock.error());
  out->lock_ = std::move(*lock);
  out->lock_->want();
  return out;
}

void SessionOutbox::put(std::string_view text) {
  accepting_.put({destination_, encode_for_session(text), {}, true});
}

Result<void> SessionOutbox::commit() {
  const auto some = accepting_.commit();
  if (!some) return tl::unexpected(some.error());
  if (!*some) return {};
  at_end_ = false;
  lock_->tell();
  return {};
}

void SessionOutbox::begin() {
  next_ = 0;
  fetched_.clear();
  sent_.clear();
  last_.clear();
  at_end_ = put_off_ = false;
}

Result<void> SessionOutbox::fetch() {
  for (;;) {
    auto batch = outbox_.next(next_, fetched_messages, fetched_bytes, now_ms(), &destination_);
    if (!batch) return tl::unexpected(batch.error());
    if (batch->unreadable > 0) {
      owner_.log({Level::warning,
                  fmt::format("{} in the outbox can't be opened: damaged",
                              counted(batch->unreadable, "message", "messages")),
                  "'sts outbox purge --yes' removes all that is in it"});
    }
    at_end_ = batch->next == next_;
    next_ = batch->next;
    std::ranges::move(batch->entries, std::back_inserter(fetched_));
    if (at_end_ || !fetched_.empty()) return {};
  }
}

Result<void> SessionOutbox::send(protocol::Link& link, Instant now, protocol::Effects& out) {
  while (has_more()) {
    if (fetched_.empty()) {
      if (auto fetched = fetch(); !fetched) return fetched;
      if (fetched_.empty()) return {};
    }
    const auto& entry = fetched_.front();
    const auto text = decode_for_session(entry.message.content);
    if (!text) {
      put_off({Errc::malformed, "one is of a later version of sts"});
      return {};
    }
    const protocol::StreamId queue = entry.stream;
    const auto last = last_.find(queue);
    const auto gap = last == last_.end() ? entry.number : entry.number - last->second - 1;
    const auto sent = link.send_durable({queue, entry.number, gap}, *text, now, out);
    if (!sent && sent.error().code == Errc::limit) return {};  // with the next acknowledgement
    if (!sent) {
      put_off(sent.error());
      return {};
    }
    sent_.push_back({entry.seq, queue, entry.number});
    last_[queue] = entry.number;
    fetched_.pop_front();
  }
  return {};
}

void SessionOutbox::put_off(const Error& why) {
  put_off_ = true;  // the later ones, too: their order is kept
  owner_.log(
      {Level::warning, "messages for the peer stay in the outbox: " + why.message, why.hint});
}

Result<void> SessionOutbox::taken(const protocol::DurableTaken& taken) {
  std::vector<std::uint64_t> seqs;
  const auto is_taken = [&](const Sent& it) {
    return it.queue == taken.queue && it.number < taken.next;
  };
  for (const auto& one : sent_) {
    if (is_taken(one)) seqs.push_back(one.seq);
  }
  if (seqs.empty()) return {};
  if (auto removed = outbox_.taken(seqs); !removed) return removed;
  std::erase_if(sent_, is_taken);
  lock_->tell();
  if (accepting_.blocked()) accepting_.soon();
  return {};
}

Result<bool> SessionOutbox::empty() {
  if (accepting_.size() > 0) return false;
  return outbox_.waits(&destination_).map([](bool some) { return !some; });
}

Result<std::uint64_t> SessionOutbox::waiting() {
  return outbox_.waiting(destination_).map([&](auto count) { return count + accepting_.size(); });
}

}  // namespace sts::client
