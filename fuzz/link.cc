// What an authenticated peer can do: any plaintext, under the right keys, with any counter.
#include "live_session.h"
#include "protocol/will.h"

using namespace sts;
using namespace sts::protocol;

namespace {

const Topics& topics() {
  static const Topics it{to_bytes(as_bytes("up")), to_bytes(as_bytes("down"))};
  return it;
}

struct Ends {
  std::unique_ptr<Session> peer, own;
};

Ends make_session() {
  crypto::SeededRandom random(4);
  const crypto::Psk psk;
  const auto handshake = [&](noise::Role role, std::uint64_t seed) {
    noise::HandshakeState::Known known;
    known.local_static = &fuzz::identity(seed);
    known.psk = [&](const crypto::PublicKey*) { return &psk; };
    return noise::HandshakeState(noise::XXpsk3, role, prologue(topics()), std::move(known));
  };
  auto initiator = handshake(noise::Role::initiator, 1);
  auto responder = handshake(noise::Role::responder, 2);
  (void)responder.read_message(*initiator.write_message({}, random));
  (void)initiator.read_message(*responder.write_message({}, random));
  (void)responder.read_message(*initiator.write_message({}, random));
  const Instant now{};
  return {std::make_unique<Session>(std::move(initiator), noise::Role::initiator, SessionIndex{1},
                                    SessionIndex{2}, topics(), Limits{}, now),
          std::make_unique<Session>(std::move(responder), noise::Role::responder, SessionIndex{2},
                                    SessionIndex{1}, topics(), Limits{}, now)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Reader in({data, size});
  auto [peer, own] = make_session();
  Instant now{};
  Effects out;
  crypto::SeededRandom random(5);
  Setup setup{&fuzz::identity(2), topics(), {}, {}, &random};
  setup.trust.peers.push_back({fuzz::identity(1).public_key, {}});
  Wills wills(setup, noise::Role::responder);
  (void)wills.seal({});
  Link link(noise::Role::responder, Limits{}, wills);
  // The first bytes are the Resume of KEYACK.
  std::optional<Resume> resume;
  const auto resume_size = std::min<std::size_t>(in.u8().value_or(0) % 29, in.left());
  if (!decode_resume(*in.take(resume_size), resume)) resume.reset();
  link.set_online(true, SIZE_MAX, now, out);
  link.accept(std::move(own), fuzz::identity(1).public_key, resume, now, out);
  while (!in.empty()) {
    const auto length = *in.u8();
    if (length == 0) {
      now += std::chrono::milliseconds(in.u8().value_or(0) * 50);
      if (link.next_deadline() <= now) link.advance(now, out);
      (void)link.send(Bytes(3), now, out);
      continue;
    }
    const auto plaintext = *in.take(std::min<std::size_t>(length, in.left()));
    const auto frame = peer->seal(plaintext, now);
    if (!frame) break;
    const auto decoded = decode(*frame);
    if (const auto* enc = decoded ? std::get_if<Enc>(&*decoded) : nullptr) {
      link.receive(*enc, now, out);
    }
  }
  return 0;
}
