#include "protocol/responder.h"

#include <algorithm>

namespace sts::protocol {

std::vector<Link*> Responder::links() {
  std::vector<Link*> out;
  for (auto& [key, served] : served_) {
    if (!served->link.killed()) out.push_back(&served->link);
  }
  return out;
}

void Responder::set_online(bool online, std::size_t max_frame, Instant now, Effects& out) {
  online_ = online;
  if (online) {
    max_frame_ = max_frame;
    out.publish.push_back({encode(Hello{})});
  }
  for (auto& [key, served] : served_) served->link.set_online(online, max_frame, now, out);
}

void Responder::receive(ByteView payload, Instant now, Effects& out) {
  const auto frame = decode(payload);
  if (!frame) return out.notice(NoticeKind::malformed);
  if (const auto* init_req = std::get_if<InitReq>(&*frame)) return on(payload, *init_req, now, out);
  if (const auto* key_ack = std::get_if<KeyAck>(&*frame)) return on(payload, *key_ack, now, out);
  if (const auto* enc = std::get_if<Enc>(&*frame)) return on(*enc, now, out);
  if (const auto* will = std::get_if<Will>(&*frame)) return wills_.receive(*will, now, out);
  // HELLO or INITACK: another responder speaks where an initiator should.
  out.notice(NoticeKind::same_role);
}

void Responder::on(ByteView payload, const InitReq& frame, Instant now, Effects& out) {
  const auto vouchers = take_vouches(payload, now);
  const auto send = [&](const Pending& pending) {
    for (auto* voucher : vouchers) {
      voucher->vouched_for = pending.order;
      voucher->link.vouch(pending.init_ack, now, out);
    }
    out.publish.push_back({pending.init_ack});
  };
  const auto same = std::ranges::find_if(
      pending_, [&](const Pending& p) { return std::ranges::equal(p.init_req, payload); });
  if (same != pending_.end()) {
    if (!vouchers.empty() || repeat_budget_.take(now)) send(*same);
    return;
  }

  auto handshake = new_handshake(noise::Role::responder);
  const auto read = handshake.read_message(frame.message_1);
  const auto remote = read ? decode_index(*read) : std::nullopt;
  if (!remote) return out.notice(NoticeKind::unverified);
  if (vouchers.empty() && !dh_budget_.take(now)) return;  // Message 1 cost none.
  const SessionIndex local = new_index();
  const auto message = handshake.write_message(encode_index(local), *setup_.random);
  if (!message) return out.notice(NoticeKind::unverified);

  InitAck answer{*remote, {}};
  std::ranges::copy(*message, answer.message_2.begin());
  make_room();
  pending_.push_back({to_bytes(payload), encode(answer), std::move(handshake), local, *remote,
                      ++handshakes_, now + pending_lifetime});
  send(pending_.back());
}

void Responder::make_room() {
  if (pending_.size() < pending_handshakes) return;
  // Strangers' requests don't push a peer's out.
  const auto oldest = std::ranges::find_if(pending_, [&](const auto& it) { return !vouched(it); });
  pending_.erase(oldest == pending_.end() ? pending_.begin() : oldest);
}

std::vector<Responder::Served*> Responder::take_vouches(ByteView frame, Instant now) {
  const auto hash = vouch_for(frame);
  std::vector<Served*> out;
  for (auto& [key, served] : served_) {
    if (served->link.take_vouch(hash, now)) out.push_back(served.get());
  }
  return out;
}

bool Responder::vouched(const Pending& pending) const {
  return std::ranges::any_of(
      served_, [&](const auto& it) { return it.second->vouched_for == pending.order; });
}

bool Responder::uses(SessionIndex local) {
  return std::ranges::find(pending_, local, &Pending::local) != pending_.end() ||
         std::ranges::any_of(served_, [&](const auto& it) { return it.second->link.owns(local); });
}

void Responder::on(ByteView payload, const KeyAck& frame, Instant now, Effects& out) {
  const bool vouched = !take_vouches(payload, now).empty();
  for (auto& [key, served] : served_) {
    if (std::ranges::equal(served->key_ack, payload)) {
      if (vouched || repeat_budget_.take(now)) served->link.repeat_confirm(now, out);
      return;
    }
  }
  const auto pending = std::ranges::find(pending_, frame.receiver, &Pending::local);
  if (pending == pending_.end()) return answer_unknown(frame.receiver, now, out);
  if (!vouched && !key_ack_budget_.take(now)) return;

  // A copy: a forged KEYACK doesn't use the handshake up.
  auto handshake = pending->after_message_2.clone();
  const auto read = handshake.read_message(frame.message_3);
  const auto& peer = handshake.remote_static();
  if (peer == setup_.identity->public_key) return out.notice(NoticeKind::own_key, peer);
  if (!read) {
    if (!peer) return out.notice(NoticeKind::unverified);
    return out.notice(
        setup_.trust.psk_for(*peer) ? NoticeKind::psk_mismatch : NoticeKind::untrusted, peer);
  }
  std::optional<Resume> resume;
  if (!decode_resume(*read, resume)) return out.notice(NoticeKind::malformed, peer);
  accept(payload, *pending, std::move(handshake), resume, now, out);
  pending_.erase(pending);
}

void Responder::accept(ByteView payload, const Pending& pending, noise::HandshakeState handshake,
                       const std::optional<Resume>& resume, Instant now, Effects& out) {
  const crypto::PublicKey peer = *handshake.remote_static();
  if (setup_.trust.first_use) {
    setup_.trust.pin(peer);
    out.events.emplace_back(Pinned{peer});
  }
  auto& served = served_[peer];
  // Late, and about a session that the peer has given up for the present one.
  if (served && pending.order < served->order) return;
  // After its KILL a peer begins anew, unless it only missed the answer.
  if (!served || (served->link.killed() && !served->link.follows(resume))) {
    served = std::make_unique<Served>(setup_.limits, wills_);
    served->link.set_online(online_, max_frame_, now, out);
  }
  served->key_ack = to_bytes(payload);
  served->order = pending.order;
  served->link.accept(
      std::make_unique<Session>(std::move(handshake), noise::Role::responder, pending.local,
                                pending.remote, setup_.topics, setup_.limits, now),
      peer, resume, now, out);
}

void Responder::on(const Enc& frame, Instant now, Effects& out) {
  if (frame.type != FrameType::enc_from_initiator) return out.notice(NoticeKind::same_role);
  for (auto& [key, served] : served_) {
    if (served->link.owns(frame.receiver)) return served->link.receive(frame, now, out);
  }
  answer_unknown(frame.receiver, now, out);
}

void Responder::answer_unknown(SessionIndex index, Instant now, Effects& out) {
  if (hello_budget_.take(now)) out.publish.push_back({encode(Hello{index})});
}

Instant Responder::next_deadline() const {
  Instant first = pending_.empty() ? never : pending_.front().expires;
  for (const auto& [key, served] : served_) {
    first = std::min(first, served->link.next_deadline());
  }
  return first;
}

void Responder::advance(Instant now, Effects& out) {
  while (!pending_.empty() && pending_.front().expires <= now) pending_.pop_front();
  for (auto& [key, served] : served_) served->link.advance(now, out);
}

}  // namespace sts::protocol
