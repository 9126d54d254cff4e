// What Session::seal and Session::open cost beside the bare libsodium calls that they make: one
// line of JSON for each, in ns per message.
#include <sodium.h>

#include <array>
#include <vector>

#include "bench/turns.h"
#include "crypto/keys.h"
#include "crypto/random.h"
#include "protocol/session.h"

namespace {

using sts::Bytes;
using sts::ByteView;
using sts::Instant;
using sts::bench::check;
using sts::protocol::Enc;
using sts::protocol::Session;

const Instant now{};
const sts::protocol::Topics topics{Bytes(16, 'a'), Bytes(16, 'b')};

struct Pair {
  Session initiator, responder;
};

Pair shake_hands() {
  sts::crypto::SystemRandom random;
  const auto prologue = sts::protocol::prologue(topics);
  const sts::crypto::Psk psk;
  const auto a = sts::crypto::KeyPair::generate(random);
  const auto b = sts::crypto::KeyPair::generate(random);
  const auto source = [&psk](const sts::crypto::PublicKey*) { return &psk; };
  using sts::noise::HandshakeState;
  using sts::noise::Role;
  HandshakeState initiator(sts::noise::XXpsk3, Role::initiator, prologue, {&a, {}, source});
  HandshakeState responder(sts::noise::XXpsk3, Role::responder, prologue, {&b, {}, source});
  check(responder.read_message(*initiator.write_message({}, random)) &&
            initiator.read_message(*responder.write_message({}, random)) &&
            responder.read_message(*initiator.write_message({}, random)),
        "the handshake failed");
  return {Session(std::move(initiator), Role::initiator, {1}, {2}, topics, {}, now),
          Session(std::move(responder), Role::responder, {2}, {1}, topics, {}, now)};
}

void measure(std::size_t size) {
  Pair pair = shake_hands();
  const Bytes plaintext(size, 'x');
  std::array<std::uint8_t, crypto_aead_chacha20poly1305_ietf_KEYBYTES> key{7};
  std::array<std::uint8_t, crypto_aead_chacha20poly1305_ietf_NPUBBYTES> nonce{};
  const Bytes associated(1 + 4 + 3 + topics.initiator_to_responder.size(), 'y');
  Bytes sealed(size + crypto_aead_chacha20poly1305_ietf_ABYTES);
  Bytes opened(size);
  sts::bench::Series seal, open;
  bool good = true;

  const auto bare_seal = [&](std::size_t) {
    crypto_aead_chacha20poly1305_ietf_encrypt(sealed.data(), nullptr, plaintext.data(), size,
                                              associated.data(), associated.size(), nullptr,
                                              nonce.data(), key.data());
  };
  const auto bare_open = [&](std::size_t) {
    good &= crypto_aead_chacha20poly1305_ietf_decrypt(
                opened.data(), nullptr, nullptr, sealed.data(), sealed.size(), associated.data(),
                associated.size(), nonce.data(), key.data()) == 0;
  };
  const auto our_seal = [&](std::size_t) {
    const auto frame = pair.initiator.seal(plaintext, now);
    good &= frame.has_value();
  };
  std::vector<Bytes> frames(sts::bench::messages);
  std::vector<Enc> arrived;
  arrived.reserve(frames.size());
  const auto our_open = [&](std::size_t i) {
    const auto message = pair.responder.open(arrived[i], now);
    good &= message.has_value();
  };

  for (std::size_t turn = 0; turn < sts::bench::turns; ++turn) {
    arrived.clear();
    for (auto& frame : frames) {
      frame = *pair.initiator.seal(plaintext, now);
      arrived.push_back(std::get<Enc>(*sts::protocol::decode(frame)));
    }
    seal.take_turn(turn, our_seal, bare_seal);
    open.take_turn(turn, our_open, bare_open);
  }
  check(good, "a message was not sealed or opened");
  seal.print("seal", size);
  open.print("open", size);
}

}  // namespace

int main() {
  sts::crypto::initialise();
  measure(100);
  measure(1024);
}
