#include "protocol/endpoint.h"

#include <algorithm>

namespace sts::protocol {

const crypto::Psk* Trust::psk_for(const crypto::PublicKey& key) const {
  const auto peer = std::ranges::find(peers, key, &Peer::key);
  if (peer != peers.end()) return &peer->psk;
  return first_use ? &*first_use : nullptr;
}

void Trust::pin(const crypto::PublicKey& key) {
  peers.push_back({key, std::move(*first_use)});
  first_use.reset();
}

Endpoint::Endpoint(Setup setup, noise::Role role)
    : setup_(std::move(setup)), prologue_(prologue(setup_.topics)), wills_(setup_, role) {}

noise::HandshakeState Endpoint::new_handshake(noise::Role role) const {
  noise::HandshakeState::Known known;
  known.local_static = setup_.identity;
  known.psk = [this](const crypto::PublicKey* peer) { return setup_.trust.psk_for(*peer); };
  return {noise::XXpsk3, role, prologue_, std::move(known)};
}

SessionIndex Endpoint::new_index() {
  std::array<std::uint8_t, 4> bytes{};
  for (;;) {
    setup_.random->fill(bytes);
    const auto index = decode_index(bytes);  // not 0
    if (index && !uses(*index)) return *index;
  }
}

Link* Endpoint::link(const crypto::PublicKey& peer) {
  for (auto* candidate : links()) {
    if (candidate->peer() == peer) return candidate;
  }
  return nullptr;
}

}  // namespace sts::protocol
