#include "protocol/session.h"

#include <algorithm>

#include "base/reader.h"
#include "crypto/aead.h"

namespace sts::protocol {
namespace {

void put_topic(Bytes& out, const Bytes& topic) {
  put_u16(out, static_cast<std::uint16_t>(topic.size()));
  append(out, topic);
}

}  // namespace

void put_topics(Bytes& out, const Topics& topics) {
  put_topic(out, topics.initiator_to_responder);
  put_topic(out, topics.responder_to_initiator);
}

Bytes prologue(const Topics& topics) {
  Bytes out = to_bytes(as_bytes("STS 2 session"));
  put_topics(out, topics);
  return out;
}

Session::Session(noise::HandshakeState handshake, noise::Role role, SessionIndex local,
                 SessionIndex remote, const Topics& topics, const Limits& limits, Instant now)
    : limits_(limits),
      local_(local),
      remote_(remote),
      send_type_(role == noise::Role::initiator ? FrameType::enc_from_initiator
                                                : FrameType::enc_from_responder),
      send_topic_(role == noise::Role::initiator ? topics.initiator_to_responder
                                                 : topics.responder_to_initiator),
      receive_topic_(role == noise::Role::initiator ? topics.responder_to_initiator
                                                    : topics.initiator_to_responder),
      handshake_hash_(handshake.handshake_hash()),
      established_(now) {
  auto transport = std::move(handshake).split();
  send_key_ = std::move(transport.send).take_key();
  receive_key_ = std::move(transport.receive).take_key();
}

bool Session::used_up(std::uint64_t counter, Instant now) const {
  return counter >= reject_after_messages || now - established_ >= reject_after_time;
}

Instant Session::rekey_at() const {
  const bool many = std::max(send_counter_, window_.next()) >=
                    std::max(limits_.rekey_after_messages, rekey_after_messages_min);
  return many ? Instant::min() : established_ + limits_.rekey_after_time;
}

Result<Bytes> Session::seal(ByteView plaintext, Instant now) {
  if (!can_seal(now)) return fail(Errc::limit, "the session's keys are used up");
  const std::uint64_t counter = send_counter_++;
  Bytes frame;
  frame.reserve(1 + 4 + 10 + plaintext.size() + crypto::tag_size);
  put_enc_header(frame, send_type_, remote_, counter);
  associated_data_.assign(frame.begin(), frame.end());
  append(associated_data_, send_topic_);
  crypto::aead_seal(send_key_, counter, associated_data_, plaintext, frame);
  return frame;
}

Result<Bytes> Session::open(const Enc& frame, Instant now) {
  if (used_up(frame.counter, now)) return fail(Errc::limit, "the session's keys are used up");
  if (!window_.is_new(frame.counter)) return fail(Errc::repeated, "a frame came twice");
  associated_data_.assign(frame.header.begin(), frame.header.end());
  append(associated_data_, receive_topic_);
  Bytes plaintext;
  plaintext.reserve(frame.ciphertext.size());
  if (!crypto::aead_open(receive_key_, frame.counter, associated_data_, frame.ciphertext,
                         plaintext)) {
    return fail(Errc::refused, "a frame is not authentic");
  }
  window_.mark(frame.counter);
  ++opened_;
  return plaintext;
}

}  // namespace sts::protocol
