#include "client/session_outbox.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/counted.h"
#include "client/outbox.h"
#include "client/outbox_message.h"

namespace sts::client {
namespace {

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
                                  self->cursor_.look_again();
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
  cursor_.look_again();
  lock_->tell();
  return {};
}

void SessionOutbox::begin() {
  cursor_.rewind();
  sent_.clear();
  last_.clear();
  put_off_ = false;
}

Result<void> SessionOutbox::send(protocol::Link& link, Instant now, protocol::Effects& out) {
  while (has_more()) {
    const auto due = cursor_.front(now_ms());
    if (!due) return tl::unexpected(due.error());
    if (*due == nullptr) return {};
    const auto& entry = **due;
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
    cursor_.pop();
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
