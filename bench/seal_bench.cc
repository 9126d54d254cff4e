// What Session::seal and Session::open cost beside the bare libsodium calls that they make: one
// line of JSON for each, in ns per message. Both are timed in short turns, one after the other, so
// that what disturbs the machine disturbs both; the ratio is the median of the turns' ratios.
#include <sodium.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "crypto/keys.h"
#include "crypto/random.h"
#include "protocol/session.h"

namespace {

using sts::Bytes;
using sts::ByteView;
using sts::Instant;
using sts::protocol::Enc;
using sts::protocol::Session;

constexpr std::size_t messages = 200;  // of a turn
constexpr std::size_t turns = 1500;
const Instant now{};
const sts::protocol::Topics topics{Bytes(16, 'a'), Bytes(16, 'b')};

void check(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "seal_bench: %s\n", what);
  std::exit(1);
}

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

/// Nanoseconds per message of `step(i)` for every i below `messages`.
template <typename Step>
double time_turn(Step step) {
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < messages; ++i) step(i);
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  return took.count() / messages;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

struct Series {
  std::vector<double> ours, bare, ratio;

  void add(double our_time, double bare_time) {
    ours.push_back(our_time);
    bare.push_back(bare_time);
    ratio.push_back(our_time / bare_time);
  }
  void print(const char* what, std::size_t size) const {
    std::printf(
        "{\"what\": \"%s\", \"bytes\": %zu, \"sts_ns\": %.1f, \"libsodium_ns\": %.1f, "
        "\"ratio\": %.3f}\n",
        what, size, median(ours), median(bare), median(ratio));
  }
};

void measure(std::size_t size) {
  Pair pair = shake_hands();
  const Bytes plaintext(size, 'x');
  std::array<std::uint8_t, crypto_aead_chacha20poly1305_ietf_KEYBYTES> key{7};
  std::array<std::uint8_t, crypto_aead_chacha20poly1305_ietf_NPUBBYTES> nonce{};
  const Bytes associated(1 + 4 + 3 + topics.initiator_to_responder.size(), 'y');
  Bytes sealed(size + crypto_aead_chacha20poly1305_ietf_ABYTES);
  Bytes opened(size);
  Series seal, open;
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
  std::vector<Bytes> frames(messages);
  std::vector<Enc> arrived;
  arrived.reserve(messages);
  const auto our_open = [&](std::size_t i) {
    const auto message = pair.responder.open(arrived[i], now);
    good &= message.has_value();
  };

  for (std::size_t turn = 0; turn < turns; ++turn) {
    arrived.clear();
    for (std::size_t i = 0; i < messages; ++i) {
      frames[i] = *pair.initiator.seal(plaintext, now);
      arrived.push_back(std::get<Enc>(*sts::protocol::decode(frames[i])));
    }
    const bool ours_first = turn % 2 == 0;
    double ours = ours_first ? time_turn(our_seal) : 0;
    double bare = time_turn(bare_seal);
    if (!ours_first) ours = time_turn(our_seal);
    seal.add(ours, bare);

    ours = ours_first ? time_turn(our_open) : 0;
    bare = time_turn(bare_open);
    if (!ours_first) ours = time_turn(our_open);
    open.add(ours, bare);
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
