#include "protocol/will.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "protocol/endpoint.h"
#include "protocol/record.h"

namespace sts::protocol {
namespace {

bool only_a_message(const Records& records) {
  return records.messages.size() == 1 && records.messages[0].type == RecordType::data &&
         !records.confirm && !records.resent && !records.ack && !records.vouch && !records.will &&
         !records.ping && !records.end && !records.kill;
}

}  // namespace

noise::HandshakeState Wills::handshake(noise::Role role, ByteView header,
                                       const crypto::PublicKey& peer) const {
  Bytes prologue = to_bytes(as_bytes("STS 2 will"));
  append(prologue, header);
  put_topics(prologue, setup_.topics);
  noise::HandshakeState::Known known;
  known.local_static = setup_.identity;
  known.remote_static = peer;
  known.psk = [this](const crypto::PublicKey* key) { return setup_.trust.psk_for(*key); };
  return {noise::Kpsk0, role, prologue, std::move(known)};
}

Result<Bytes> Wills::seal(ByteView message) {
  if (setup_.trust.peers.size() != 1 || setup_.trust.first_use) std::abort();
  if (message.size() > will_message_max) return fail(Errc::limit, "the will is too long");
  Bytes payload;
  if (setup_.limits.pad == Pad::none) {
    put_data(payload, message);
  } else {
    put_sized(payload, RecordType::data, message);
    payload.resize(std::min(padded_size(payload.size(), setup_.limits.pad), will_payload_max));
  }
  ConnectionId connection{};
  setup_.random->fill(connection);
  Bytes frame;
  put_will_header(frame,
                  role_ == noise::Role::initiator ? FrameType::will_from_initiator
                                                  : FrameType::will_from_responder,
                  connection);
  auto sealed = handshake(noise::Role::initiator, frame, setup_.trust.peers[0].key)
                    .write_message(payload, *setup_.random);
  if (!sealed) return sealed;
  append(frame, *sealed);
  own_ = connection;
  return frame;
}

bool Wills::Known::has_spent(const ConnectionId& connection) const {
  return std::ranges::find(spent, connection) != spent.end();
}

void Wills::Known::spend(const ConnectionId& connection) {
  if (has_spent(connection)) return;
  spent.push_back(connection);
  if (spent.size() > wills_remembered) spent.pop_front();
}

void Wills::announced(const crypto::PublicKey& peer,
                      const std::optional<ConnectionId>& connection) {
  auto& known = known_[peer];
  if (known.present == connection) return;
  if (known.present) known.spend(*known.present);
  known.present = connection;
}

void Wills::receive(const Will& frame, Instant now, Effects& out) {
  const bool from_initiator = frame.type == FrameType::will_from_initiator;
  if (from_initiator == (role_ == noise::Role::initiator)) {
    return out.notice(NoticeKind::same_role);
  }
  const auto& id = frame.connection;
  const crypto::PublicKey* announcer = nullptr;
  auto* budget = &budget_;
  for (auto& [key, known] : known_) {
    if (known.has_spent(id)) return out.notice(NoticeKind::spent_will);
    if (known.present != id) continue;
    announcer = &key;
    budget = &known.budget;
  }
  if (!budget->take(now)) return;
  bool paid = true;  // for the first key
  for (const auto& [key, psk] : setup_.trust.peers) {
    if (announcer != nullptr && key != *announcer) continue;
    if (!std::exchange(paid, false)) budget->owe();
    const auto payload =
        handshake(noise::Role::responder, frame.header, key).read_message(frame.message);
    if (!payload) continue;
    const auto records = decode_records(*payload);
    if (!records || !only_a_message(*records)) return out.notice(NoticeKind::malformed, key);
    known_[key].spend(id);
    out.events.emplace_back(
        LastWill{key, to_bytes(records->messages[0].body), announcer != nullptr});
    return;
  }
  out.notice(NoticeKind::foreign_will);
}

}  // namespace sts::protocol
