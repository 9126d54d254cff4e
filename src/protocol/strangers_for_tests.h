// What someone without a trusted key can put on the topic and have a Diffie-Hellman spent on.
#pragma once

#include "protocol/network_for_tests.h"

namespace sts::protocol {

/// An INITREQ whose message 1 verifies, another with each call.
inline Bytes stranger_request(Random& random) {
  noise::HandshakeState::Known known;
  known.psk = [](const crypto::PublicKey*) { return nullptr; };
  noise::HandshakeState handshake(noise::XXpsk3, noise::Role::initiator, prologue(test_topics()),
                                  std::move(known));
  const auto message = handshake.write_message(Bytes(4, 7), random);
  InitReq frame{};
  std::ranges::copy(*message, frame.message_1.begin());
  return encode(frame);
}

/// Of the same type, and as dear to read, as the genuine handshake frame.
inline Bytes forged(const Bytes& genuine, Random& random) {
  auto frame = *decode(genuine);
  if (std::holds_alternative<InitReq>(frame)) return stranger_request(random);
  if (auto* it = std::get_if<InitAck>(&frame)) {
    const auto ephemeral = crypto::KeyPair::generate(random).public_key;
    std::ranges::copy(ephemeral.bytes, it->message_2.begin());
    return encode(*it);
  }
  Bytes out = genuine;
  out.back() ^= 1U;
  return out;
}

inline bool is(const Network::Frame& frame, FrameType type) {
  return frame.bytes[0] == static_cast<std::uint8_t>(type);
}

/// A tap's work: before the frame arrive forgeries of it, more than the budgets hold.
inline void besiege(Network& net, const Network::Frame& frame, Random& random) {
  for (int n = 0; n < 2 * dh_burst; ++n) {
    net.queue.push_back({frame.from, frame.to, forged(frame.bytes, random)});
  }
}

}  // namespace sts::protocol
