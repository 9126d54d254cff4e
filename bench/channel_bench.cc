// What channels cost: Sender::seal and Reader::take beside the bare libsodium calls that they make,
// the bytes they add, a new epoch for 1000 readers, and what a reader keeps of each sender. One
// line of JSON for each. How the times are taken: seal_bench.cc.
#include <malloc.h>
#include <sodium.h>

#include <array>
#include <memory>
#include <utility>

#include "bench/turns.h"
#include "channel/reader.h"
#include "channel/sender.h"
#include "crypto/random.h"

namespace {

using sts::as_bytes;
using sts::Bytes;
using sts::ByteView;
using sts::Instant;
using sts::bench::check;
using sts::channel::Delivered;
using sts::channel::Reader;
using sts::channel::ReaderRules;
using sts::channel::Recipient;
using sts::channel::Sender;
using sts::crypto::KeyPair;

const Instant now{};
constexpr std::string_view topic = "plant/7/temp/avg";  // 16 bytes

ReaderRules anything() {
  return {[](auto&, auto) { return true; }, [](auto) { return true; }};
}

/// A sender and one reader that has its key.
struct Pair {
  Pair() {
    check(reader.trust(self.public_key, {}).has_value(), "a key was refused");
    const std::array readers{Recipient{other.public_key}};
    const auto packets = *sender.begin_epoch(readers, 1, 0, now);
    for (const auto& [key_topic, payload] : packets) {
      reader.take_keys(sts::channel::sender_id(self.public_key), {key_topic, payload}, now, events);
    }
    for (int i = 0; i < 1 << 14; ++i) seal({});  // from here on a counter has three bytes
  }
  Bytes seal(ByteView payload) { return *sender.seal(topic, {.payload = payload}, now); }

  sts::crypto::SystemRandom random;
  KeyPair self = KeyPair::generate(random);
  KeyPair other = KeyPair::generate(random);
  Sender sender{self, {}, random};
  Reader reader{other, anything()};
  sts::channel::Events events;
};

void measure_messages(std::size_t size) {
  Pair pair;
  const Bytes payload(size, 'x');
  std::array<std::uint8_t, crypto_aead_chacha20poly1305_ietf_KEYBYTES> key{7};
  std::array<std::uint8_t, crypto_aead_chacha20poly1305_ietf_NPUBBYTES> nonce{};
  const Bytes associated(1 + 8 + 3, 'y');
  const Bytes plaintext(1 + size, 'x');
  Bytes sealed(plaintext.size() + crypto_aead_chacha20poly1305_ietf_ABYTES);
  Bytes opened(plaintext.size());
  std::vector<Bytes> arrived(sts::bench::messages);
  sts::bench::Series seal, open;
  bool good = true;

  const auto bare_seal = [&](std::size_t) {
    crypto_aead_chacha20poly1305_ietf_encrypt(sealed.data(), nullptr, plaintext.data(),
                                              plaintext.size(), associated.data(),
                                              associated.size(), nullptr, nonce.data(), key.data());
  };
  const auto bare_open = [&](std::size_t) {
    good &= crypto_aead_chacha20poly1305_ietf_decrypt(
                opened.data(), nullptr, nullptr, sealed.data(), sealed.size(), associated.data(),
                associated.size(), nonce.data(), key.data()) == 0;
  };
  const auto our_seal = [&](std::size_t) {
    good &= pair.sender.seal(topic, {.payload = payload}, now).has_value();
  };
  const auto our_open = [&](std::size_t i) {
    pair.events.clear();
    pair.reader.take({topic, arrived[i]}, now, pair.events);
    good &= pair.events.size() == 1 && std::holds_alternative<Delivered>(pair.events[0]);
  };
  for (std::size_t turn = 0; turn < sts::bench::turns; ++turn) {
    seal.take_turn(turn, our_seal, bare_seal);
    // What was just sealed never comes, which the reader tells with the next.
    pair.reader.take({topic, pair.seal(payload)}, now, pair.events);
    for (auto& one : arrived) one = pair.seal(payload);
    open.take_turn(turn, our_open, bare_open);
  }
  check(good, "a message was not sealed or opened");
  seal.print("seal", size);
  open.print("open", size);
  std::printf("{\"what\": \"added\", \"bytes\": %zu}\n", pair.seal(payload).size() - size);
}

void measure_epoch(std::size_t readers) {
  Pair pair;
  std::vector<Recipient> recipients;
  for (std::size_t i = 0; i < readers; ++i) {
    recipients.push_back({KeyPair::generate(pair.random).public_key});
  }
  std::size_t bytes = 0, packets = 0;
  const auto begin = [&](std::size_t turn) {
    bytes = packets = 0;
    const auto published = *pair.sender.begin_epoch(recipients, 2 + turn, 0, now);
    for (const auto& packet : published) {
      if (packet.payload.empty()) continue;  // an old one goes
      bytes += packet.payload.size();
      ++packets;
    }
  };
  std::vector<double> times;
  for (std::size_t turn = 0; turn < 5; ++turn) {
    times.push_back(sts::bench::time_of([&] { begin(turn); }));
  }
  std::printf(
      "{\"what\": \"epoch\", \"readers\": %zu, \"ms\": %.1f, \"packets\": %zu, \"bytes\": %zu}\n",
      readers, sts::bench::median(times) / 1e6, packets, bytes);
}

/// Heap of a reader that has a key and one message of each sender.
void measure_memory(std::size_t senders) {
  sts::crypto::SystemRandom random;
  const auto self = KeyPair::generate(random);
  const std::array readers{Recipient{self.public_key}};
  Reader reader(self, anything());
  std::size_t used = 0;
  sts::channel::Events events;
  for (std::size_t i = 0; i < senders; ++i) {
    const auto identity = KeyPair::generate(random);
    Sender sender(identity, {}, random);
    const auto packets = *sender.begin_epoch(readers, 1, 0, now);
    const auto name = "plant/" + std::to_string(i) + "/temperature";
    const auto message = *sender.seal(name, {.payload = as_bytes("21.5")}, now);
    const auto before = mallinfo2().uordblks;
    check(reader.trust(identity.public_key, {}).has_value(), "a key was refused");
    reader.take_keys(sts::channel::sender_id(identity.public_key),
                     {packets[0].topic, packets[0].payload}, now, events);
    reader.take({name, message}, now, events);
    check(std::exchange(events, {}).size() == 1, "a message did not open");
    used += mallinfo2().uordblks - before;
  }
  std::printf("{\"what\": \"memory\", \"senders\": %zu, \"bytes_per_sender\": %zu}\n", senders,
              used / senders);
}

}  // namespace

int main() {
  sts::crypto::initialise();
  measure_messages(100);
  measure_messages(1024);
  measure_epoch(1000);
  measure_memory(10'000);
}
