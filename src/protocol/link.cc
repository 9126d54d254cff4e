#include "protocol/link.h"

#include <algorithm>

namespace sts::protocol {
namespace {

// Header, tag, ACK and RESENT records around the messages of one frame.
constexpr std::size_t frame_overhead = 96;

StreamId stream_id(const crypto::Hash& handshake_hash, bool from_initiator) {
  const auto digest =
      crypto::hash(as_bytes(from_initiator ? "STS 2 stream initiator" : "STS 2 stream responder"),
                   handshake_hash);
  StreamId id;
  std::copy_n(digest.begin(), id.size(), id.begin());
  return id;
}

}  // namespace

std::optional<Resume> Link::begin_generation() {
  const std::uint64_t generation = tx_generation_++;
  if (!tx_id_) return std::nullopt;
  return Resume{*tx_id_, generation, tx_.first()};
}

void Link::offer(std::unique_ptr<Session> session, const crypto::PublicKey& peer) {
  peer_ = peer;
  if (!tx_id_) tx_id_ = stream_id(session->handshake_hash(), role_ == noise::Role::initiator);
  offered_.emplace(std::move(session), (tx_generation_ - 1) * generation_span);
}

void Link::follow(const std::optional<Resume>& resume, Up& up) {
  if (!resume || resume->id != rx_id_) {
    // Not the stream that was followed so far, if any was: the peer's process is another one.
    up.peer_restarted = rx_id_.has_value();
    rx_ = StreamReceiver();
    wills_from_ = 0;
    if (up.peer_restarted) wills_.announced(*peer_, {});
    rx_id_ = resume
                 ? resume->id
                 : stream_id(offered_->session().handshake_hash(), role_ == noise::Role::responder);
  }
  if (resume) {
    rx_.skip_to(resume->first);
    offered_->receive_base = resume->generation * generation_span;
  }
}

void Link::confirm(const std::optional<Resume>& resume, Instant now, Effects& out) {
  Up up{*peer_, current_.has_value(), false};
  follow(resume, up);
  if (!previous_ || heard() != &*previous_) previous_ = std::move(current_);
  current_ = std::move(offered_);
  offered_.reset();
  used_up_ = false;
  if (!killed_) out.events.emplace_back(up);
  if (role_ == noise::Role::responder) repeat_confirm(now, out);
  if (up.peer_restarted) {
    previous_.reset();
    tx_.resend_all();
  } else if (previous_) {
    drop_previous_at_ = current_->session().opened() > 0
                            ? now + old_session_linger
                            : previous_->session().established() + reject_after_time;
    const Bytes end{static_cast<std::uint8_t>(RecordType::end)};
    if (online_ && previous_->session().can_seal(now)) seal(*previous_, end, now, out);
  }
  if ((previous_ && tx_.in_flight()) || (wills_.own() && !killed_)) probe(now, out);
  if (limits_.heartbeat > Duration::zero()) heartbeat_at_ = now + limits_.heartbeat;
  flush(now, out);
}

void Link::accept(std::unique_ptr<Session> session, const crypto::PublicKey& peer,
                  const std::optional<Resume>& resume, Instant now, Effects& out) {
  confirm_body_ = begin_generation();
  offer(std::move(session), peer);
  confirm(resume, now, out);
}

void Link::repeat_confirm(Instant now, Effects& out) {
  Bytes plaintext;
  put_confirm(plaintext, confirm_body_);
  send_control(plaintext, now, out);
}

void Link::vouch(ByteView frame, Instant now, Effects& out) {
  Bytes plaintext;
  put_vouch(plaintext, vouch_for(frame));
  if (ready(now, out) && heard()->session().can_seal(now)) {
    seal(*heard(), std::move(plaintext), now, out);
  }
}

bool Link::take_vouch(const Vouch& frame, Instant now) {
  if (vouch_ != frame) return false;
  vouch_.reset();
  return vouch_budget_.take(now);
}

// The newest session that the peer is known to have, too: CONFIRM may be lost.
Link::Bound* Link::heard() {
  if (previous_ && current_->session().opened() == 0) return &*previous_;
  return current_ ? &*current_ : nullptr;
}

Link::Bound* Link::bound(SessionIndex local) {
  for (auto* candidate : {&current_, &previous_, &offered_}) {
    if (*candidate && (*candidate)->session().local() == local) return &**candidate;
  }
  return nullptr;
}

void Link::receive(const Enc& frame, Instant now, Effects& out) {
  Bound& session = *bound(frame.receiver);
  auto plaintext = session.session().open(frame, now);
  if (!plaintext) {
    if (plaintext.error().code == Errc::refused) out.notice(NoticeKind::forged, peer_);
    if (plaintext.error().code == Errc::repeated) out.notice(NoticeKind::repeated, peer_);
    return;
  }
  const auto records = decode_records(*plaintext);
  if (!records) return out.notice(NoticeKind::malformed, peer_);
  if (silent()) out.notice(NoticeKind::back, peer_);
  probes_ = 0;
  if (offered_ && &session == &*offered_) {
    // Without CONFIRM it isn't known where its stream stands; the peer will send the rest again.
    if (!records->confirm) return;
    confirm(records->confirm->resume, now, out);
    return take(*current_, frame.counter, *records, now, out);
  }
  take(session, frame.counter, *records, now, out);
}

void Link::take(Bound& session, std::uint64_t counter, const Records& records, Instant now,
                Effects& out) {
  if (records.ack) {
    const auto first = tx_.first();
    tx_.acknowledge(*records.ack, now);
    if (tx_.first() != first) progress_at_ = now;
    // What came to the peer, the broker had taken, whether it said so or not.
    unanswered_ = std::min(unanswered_, tx_.frames());
    probe_after_ = protocol::probe_after;
    probe_at_ = tx_.in_flight() ? now + probe_after_ : never;
    if (finishing_ && tx_.idle()) {
      finishing_ = false;
      out.events.emplace_back(Finished{*peer_});
    }
  }
  const bool missing_before = rx_.missing();
  account(session, counter, records);
  schedule_ack(records, missing_before, now);
  if (records.end) session.end = counter;
  if (records.vouch) vouch_ = records.vouch;
  if (const auto number = session.receive_base + counter; records.will && number >= wills_from_) {
    wills_from_ = number + 1;
    wills_.announced(*peer_, records.will);
  }
  if (previous_ && &session == &*current_ && session.session().opened() == 1) {
    drop_previous_at_ = now + old_session_linger;
  }
  // More, where VOUCHes followed.
  if (previous_ && previous_->end && previous_->session().opened() > *previous_->end) {
    previous_.reset();
  }
  deliver(now, out);
  flush(now, out);
}

void Link::account(const Bound& session, std::uint64_t counter, const Records& records) {
  StreamReceiver::Item item;
  item.kill = records.kill;
  for (const auto& [type, body] : records.messages) item.messages.push_back({type, to_bytes(body)});
  const std::uint64_t own = session.receive_base + counter;
  if (records.resent) {
    item.gap = records.resent->gap;
    rx_.accept(records.resent->number, std::move(item));
    // There may have been no room for it: then the number still has to come.
    if (records.resent->number == own) return;
    item = {};
  }
  rx_.accept(own, std::move(item));
}

bool Link::Unacked::many() const {
  return frames >= ack_every || messages >= ack_every_messages || bytes >= ack_every_bytes;
}

void Link::schedule_ack(const Records& records, bool missing_before, Instant now) {
  if (records.messages.empty() && !records.kill && !records.ping && !records.resent) return;
  ++unacked_.frames;
  unacked_.messages += records.messages.size();
  for (const auto& message : records.messages) unacked_.bytes += message.body.size();
  const bool at_once =
      records.ping || records.kill || unacked_.many() || rx_.missing() != missing_before;
  ack_at_ = std::min(ack_at_, at_once ? now : now + ack_delay);
}

void Link::deliver(Instant now, Effects& out) {
  auto delivery = rx_.take();
  if (killed_) return;  // KILL was the last word.
  for (auto& message : delivery.messages) deliver(std::move(message), out);
  if (!delivery.kill) return;
  killed_ = true;
  ack_at_ = now;
  flush(now, out);
  out.events.emplace_back(Killed{*peer_, tx_.unacknowledged()});
  // From here on only repeats are answered.
  tx_ = StreamSender(limits_.pad != Pad::none);
  limits_.heartbeat = Duration::zero();
  probe_at_ = heartbeat_at_ = never;
}

void Link::deliver(Message message, Effects& out) {
  if (message.type == RecordType::data) {
    out.events.emplace_back(Delivered{*peer_, std::move(message.body)});
  } else if (const auto taken = decode_taken(message.body);
             message.type == RecordType::taken && taken) {
    out.events.emplace_back(Taken{*peer_, *taken});
  } else if (const auto durable = decode_durable(message.body);
             message.type == RecordType::durable && durable) {
    out.events.emplace_back(Delivered{*peer_, to_bytes(durable->message), durable->number});
  } else {
    out.notice(NoticeKind::malformed, peer_);
  }
}

std::size_t Link::room() const { return max_frame_ - std::min(max_frame_, frame_overhead); }

Result<void> Link::send(Bytes message, Instant now, Effects& out) {
  return push({RecordType::data, std::move(message)}, now, out);
}

Result<void> Link::send_durable(const DurableNumber& number, ByteView message, Instant now,
                                Effects& out) {
  return push({RecordType::durable, encode_durable(number, message)}, now, out);
}

void Link::taken(const DurableTaken& taken, Instant now, Effects& out) {
  (void)push({RecordType::taken, encode_taken(taken)}, now, out);  // there is always room for it
}

Result<void> Link::push(Message message, Instant now, Effects& out) {
  if (message.body.size() > room()) {
    return fail(Errc::refused, "the message is larger than the broker takes",
                "send it in parts, or raise the broker's largest packet size");
  }
  if (tx_.idle()) progress_at_ = now;
  auto pushed = tx_.push(std::move(message));
  if (pushed) flush(now, out);
  return pushed;
}

void Link::kill(Instant now, Effects& out) {
  finishing_ = true;
  tx_.push_kill();
  flush(now, out);
}

void Link::published(Instant now, Effects& out) {
  if (unanswered_ > 0) --unanswered_;
  flush(now, out);
}

void Link::publish_failed(std::uint64_t entry, Instant now, Effects& out) {
  const auto messages = tx_.drop(entry);
  if (messages > 0) out.notice(NoticeKind::dropped, peer_, messages);
  published(now, out);
}

void Link::probe(Instant now, Effects& out) {
  Bytes plaintext;
  put_bare(plaintext, RecordType::ping);
  if (wills_.own()) put_will(plaintext, *wills_.own());
  send_control(std::move(plaintext), now, out);
  probe_at_ = std::min(probe_at_, now + probe_after_);
}

void Link::set_online(bool online, std::size_t max_frame, Instant now, Effects& out) {
  online_ = online;
  unanswered_ = 0;
  if (!online) return;
  progress_at_ = now;
  max_frame_ = max_frame;
  if (!current_) return;
  probe_at_ = never;
  if (tx_.in_flight() || wills_.own()) probe(now, out);
  flush(now, out);
}

bool Link::ready(Instant now, Effects& out) {
  if (!current_ || !online_) return false;
  if (current_->session().can_seal(now)) return true;
  if (!used_up_) out.notice(NoticeKind::used_up, peer_, tx_.unacknowledged());
  used_up_ = true;
  ack_at_ = probe_at_ = heartbeat_at_ = never;
  return false;
}

void Link::flush(Instant now, Effects& out) {
  while (ready(now, out)) {
    const auto next = tx_.next(current_->send_number(), std::min(pack_bytes, room()),
                               unanswered_ < frames_unanswered, now);
    if (!next && ack_at_ > now) return;
    Bytes plaintext;
    plaintext.reserve(64 + (next ? next->records.size() : 0));
    if (ack_at_ != never) {
      put_ack(plaintext, rx_.ack());
      ack_at_ = never;
      unacked_ = {};
    }
    if (!next) {
      seal(*current_, std::move(plaintext), now, out);
      continue;
    }
    if (next->resent) put_resent(plaintext, *next->resent);
    append(plaintext, next->records);
    seal(*current_, std::move(plaintext), now, out);
    out.publish.back().messages = Ticket{*peer_, next->entry};
    out.publish.back().first_time = !next->again;
    ++unanswered_;
    probe_at_ = std::min(probe_at_, now + probe_after_);
  }
}

void Link::send_control(Bytes plaintext, Instant now, Effects& out) {
  if (ready(now, out)) seal(*current_, std::move(plaintext), now, out);
}

void Link::seal(Bound& session, Bytes plaintext, Instant now, Effects& out) {
  // CONFIRM reaches to the end of its frame. PADDING is zero bytes, its type too.
  if (plaintext.front() != static_cast<std::uint8_t>(RecordType::confirm)) {
    // A frame that nearly fills what the broker takes is filled up to there.
    const auto largest = std::max(plaintext.size(), room());
    plaintext.resize(std::min(padded_size(plaintext.size(), limits_.pad), largest));
  }
  out.publish.push_back({*session.session().seal(plaintext, now), {}, false});
  if (limits_.heartbeat > Duration::zero()) heartbeat_at_ = now + limits_.heartbeat;
}

Instant Link::next_deadline() const {
  Instant first = previous_ ? drop_previous_at_ : never;
  if (current_ && online_) first = std::min({first, ack_at_, probe_at_, heartbeat_at_});
  return first;
}

void Link::advance(Instant now, Effects& out) {
  if (previous_ && now >= drop_previous_at_) previous_.reset();
  if (!current_ || !online_) return;
  if (now >= probe_at_) {
    if (++probes_ == probes_until_silent) {
      out.notice(NoticeKind::silent, peer_, tx_.unacknowledged());
    }
    probe_after_ = std::min(2 * probe_after_, probe_after_max);
    probe_at_ = never;
    probe(now, out);
  } else if (now >= heartbeat_at_) {
    probe(now, out);
  }
  flush(now, out);
}

}  // namespace sts::protocol
