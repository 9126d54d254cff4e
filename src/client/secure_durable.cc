// What of a session outlives its processes: messages on their way out, and which came in.
#include <utility>

#include "base/counted.h"
#include "client/secure.h"

namespace sts::client {

Result<void> Secure::use_outbox(const crypto::PublicKey& peer) {
  if (!open_outbox_) return {};
  auto outbox =
      open_outbox_(peer, {[this] { outbox_due(); }, [this](const Line& line) { port_.log(line); }});
  if (!outbox) return tl::unexpected(outbox.error());
  outbox_ = std::move(*outbox);
  return {};
}

Result<void> Secure::send_durable(std::string_view text) {
  if (outbox_->full()) {
    wants_room_ = true;
    return fail(Errc::limit, "the outbox is full",
                "wait until the peer has taken some; status counts them");
  }
  outbox_->put(text);
  return {};
}

/// More is to be accepted, or some was taken.
void Secure::outbox_due() {
  if (!outbox_ || over_) return;
  if (auto committed = outbox_->commit(); !committed) {
    const auto count = outbox_->uncommitted();
    outbox_->clear();
    port_.given_up(count, {committed.error().code,
                           counted(count, "message was", "messages were") +
                               " not accepted: " + committed.error().message,
                           committed.error().hint});
  }
  run([](auto&) {}, clock_());
  end_if_done();
}

/// From the outbox to the peer.
void Secure::feed(Instant now) {
  const auto links = endpoint_->links();
  if (!outbox_ || !outbox_->has_more() || links.empty() || std::exchange(feeding_, true)) return;
  Result<void> sent;
  run([&](auto& out) { sent = outbox_->send(*links[0], now, out); }, now);
  feeding_ = false;
  if (!sent) port_.log(error_line(sent.error()));
}

void Secure::on(const protocol::Taken& it, Instant) {
  if (!outbox_) return;
  if (auto removed = outbox_->taken(it.taken); !removed) port_.log(error_line(removed.error()));
  end_if_done();
}

/// The place of a message to be handed on, if it is.
std::optional<std::uint64_t> Secure::take_in(const protocol::Delivered& it, Instant now) {
  const auto verdict = intake_.judge(it.peer, *it.durable);
  if (auto lost = intake_.take_warning(); !lost.empty()) port_.log({Level::warning, lost});
  if (!verdict) {
    // The sender begins again with the next process, and not with this one.
    end(verdict.error());
    return std::nullopt;
  }
  if (verdict == protocol::DurableVerdict::repeat) {
    tell_taken({intake_.known(it.peer, it.durable->queue)}, now);
  }
  if (verdict != protocol::DurableVerdict::take) return std::nullopt;
  return intake_.hand_on(it.peer, *it.durable);
}

void Secure::taken(std::uint64_t place, Instant now) {
  const auto done = take(place, {}, now);
  if (!done && done.error().code == Errc::refused) return end(done.error());
  if (!done && retry_at_ == never) port_.log(error_line(done.error()));
  taken_ = place;
  retry_at_ = done ? never : now + std::chrono::seconds(1);
}

Result<void> Secure::take(std::uint64_t place, std::span<const store::Inbox::Message> rows,
                          Instant now) {
  const auto told = intake_.taken(place, rows);
  if (!told) return tl::unexpected(told.error());
  tell_taken(*told, now);
  return {};
}

void Secure::tell_taken(const std::vector<DurableIntake::Told>& told, Instant now) {
  for (const auto& [peer, taken] : told) {
    if (auto* link = endpoint_->link(peer)) {
      run([&, &what = taken](auto& out) { link->taken(what, now, out); }, now);
    }
  }
}

std::optional<Error> Secure::kept(std::size_t messages) const {
  if (!outbox_) return std::nullopt;
  return Error{Errc::io,
               counted(messages, "message waits", "messages wait") + " in the outbox for the peer",
               "the next session with it, or 'sts outbox flush --peer', delivers; 'sts outbox "
               "list' shows what waits"};
}

}  // namespace sts::client
