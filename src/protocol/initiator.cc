#include "protocol/initiator.h"

#include <algorithm>
#include <cstdlib>

namespace sts::protocol {

Initiator::Initiator(Setup setup)
    : Endpoint(std::move(setup), noise::Role::initiator),
      link_(noise::Role::initiator, setup_.limits, wills_) {
  // The link and its streams belong to one peer.
  if (setup_.trust.peers.size() + (setup_.trust.first_use ? 1 : 0) > 1) std::abort();
}

std::vector<Link*> Initiator::links() {
  return link_.current() ? std::vector<Link*>{&link_} : std::vector<Link*>{};
}

void Initiator::set_online(bool online, std::size_t max_frame, Instant now, Effects& out) {
  online_ = online;
  link_.set_online(online, max_frame, now, out);
  if (!online) return;
  if (attempt_) {
    attempt_->retry_at = now;
  } else if (!link_.current()) {
    begin(now, out);
  }
  advance(now, out);
}

Duration Initiator::jittered(Duration duration) {
  std::array<std::uint8_t, 1> byte{};
  setup_.random->fill(byte);
  // Between 3/4 and 5/4: so that a fleet doesn't come back in step.
  return duration * 3 / 4 + duration / 512 * byte[0];
}

void Initiator::begin(Instant now, Effects& out) {
  link_.withdraw();
  auto handshake = new_handshake(noise::Role::initiator);
  const SessionIndex local = new_index();
  const auto message = *handshake.write_message(encode_index(local), *setup_.random);
  InitReq frame{};
  std::ranges::copy(message, frame.message_1.begin());
  attempt_.emplace(
      Attempt{std::move(handshake), local, encode(frame), 0, now, init_req_backoff_min});
  send(now, out);
}

void Initiator::send(Instant now, Effects& out) {
  link_.vouch(attempt_->frame, now, out);
  out.publish.push_back({attempt_->frame});
  attempt_->retry_at = now + jittered(attempt_->backoff);
  attempt_->backoff = std::min(2 * attempt_->backoff, init_req_backoff_max);
}

void Initiator::receive(ByteView payload, Instant now, Effects& out) {
  const auto frame = decode(payload);
  if (!frame) return out.notice(NoticeKind::malformed);
  if (const auto* hello = std::get_if<Hello>(&*frame)) return on(*hello, now, out);
  if (const auto* init_ack = std::get_if<InitAck>(&*frame)) {
    return on(payload, *init_ack, now, out);
  }
  if (const auto* enc = std::get_if<Enc>(&*frame)) return on(*enc, now, out);
  if (const auto* will = std::get_if<Will>(&*frame)) return wills_.receive(*will, now, out);
  // INITREQ or KEYACK: another initiator speaks where a responder should.
  out.notice(NoticeKind::same_role);
}

bool Initiator::nudge_allowed(Instant now) {
  if (now < next_nudge_) return false;
  next_nudge_ = now + nudge_backoff_;
  nudge_backoff_ = std::min(2 * nudge_backoff_, nudge_backoff_max);
  return true;
}

void Initiator::on(const Hello& frame, Instant now, Effects& out) {
  if (!online_) return;
  const Session* session = link_.current();
  // Beside a session a forged HELLO must not undo a handshake that the responder has finished.
  const Session* named = session ? session : link_.offered();
  if (named && frame.unknown == named->remote()) {
    if (session && attempt_) return;  // under way already
    if (!nudge_allowed(now)) return;
    nudged_ = true;
    begin(now, out);
  } else if (frame.unknown.value == 0 && hello_budget_.take(now)) {
    // A responder came online. Whether it is one that knows the session, its answer to a PING
    // shows.
    if (attempt_ && attempt_->key_acks == 0) {
      attempt_->backoff = init_req_backoff_min;
      send(now, out);
    } else if (session) {
      link_.probe(now, out);
    }
  }
}

void Initiator::on(ByteView payload, const InitAck& frame, Instant now, Effects& out) {
  if (!attempt_ || frame.receiver != attempt_->local || attempt_->key_acks > 0) return;
  if (!link_.take_vouch(vouch_for(payload), now) && !dh_budget_.take(now)) return;
  // A copy: whatever is wrong with this answer, the right one may still come.
  auto handshake = attempt_->after_message_1.clone();
  const auto read = handshake.read_message(frame.message_2);
  const auto remote = read ? decode_index(*read) : std::nullopt;
  if (!remote) return out.notice(NoticeKind::unverified);
  const crypto::PublicKey peer = *handshake.remote_static();
  if (peer == setup_.identity->public_key) return out.notice(NoticeKind::own_key, peer);
  if (!setup_.trust.psk_for(peer)) return out.notice(NoticeKind::untrusted, peer);
  if (!answer(std::move(handshake), *remote, now, out)) {
    out.notice(NoticeKind::unverified, peer);
  }
}

bool Initiator::answer(noise::HandshakeState handshake, SessionIndex remote, Instant now,
                       Effects& out) {
  const crypto::PublicKey peer = *handshake.remote_static();
  const auto message =
      handshake.write_message(encode_resume(link_.begin_generation()), *setup_.random);
  if (!message) return false;
  link_.offer(std::make_unique<Session>(std::move(handshake), noise::Role::initiator,
                                        attempt_->local, remote, setup_.topics, setup_.limits, now),
              peer);
  attempt_->frame = encode(KeyAck{remote, *message});
  attempt_->key_acks = 1;
  attempt_->backoff = key_ack_backoff;
  send(now, out);
  return true;
}

void Initiator::on(const Enc& frame, Instant now, Effects& out) {
  if (frame.type != FrameType::enc_from_responder) return out.notice(NoticeKind::same_role);
  // Frames for other initiators on the same topic pass by here.
  if (!link_.owns(frame.receiver)) return;
  const Session* offered = link_.offered();
  const auto before = static_cast<std::ptrdiff_t>(out.events.size());
  link_.receive(frame, now, out);
  if (!offered || link_.current() != offered) return;
  attempt_.reset();
  if (setup_.trust.first_use) {
    setup_.trust.pin(*link_.peer());
    // What comes of a pinned peer comes after the pin.
    out.events.insert(out.events.begin() + before, Pinned{*link_.peer()});
  }
  const bool restarted = std::ranges::any_of(out.events, [](const Event& event) {
    const auto* up = std::get_if<Up>(&event);
    return up && up->peer_restarted;
  });
  if (std::exchange(nudged_, false) && restarted) nudge_backoff_ = nudge_backoff_min;
}

Instant Initiator::next_deadline() const {
  if (!online_) return never;
  Instant first = link_.next_deadline();
  if (attempt_) return std::min(first, attempt_->retry_at);
  if (link_.current()) first = std::min(first, link_.current()->rekey_at());
  return first;
}

void Initiator::advance(Instant now, Effects& out) {
  if (!online_) return;
  link_.advance(now, out);
  if (!attempt_) {
    const Session* session = link_.current();
    if (session && (now >= session->rekey_at() || link_.silent())) begin(now, out);
    return;
  }
  if (now < attempt_->retry_at) return;
  if (attempt_->key_acks == 0) {
    send(now, out);
  } else if (attempt_->key_acks < key_ack_attempts) {
    ++attempt_->key_acks;
    send(now, out);
  } else {
    out.notice(NoticeKind::not_confirmed, link_.peer());
    begin(now, out);
  }
}

}  // namespace sts::protocol
