#include "protocol/endpoint.h"

#include <algorithm>

#include "base/reader.h"

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

SessionIndex random_session_index(Random& random) {
  std::array<std::uint8_t, 4> bytes{};
  SessionIndex index;
  while (index.value == 0) {
    random.fill(bytes);
    index.value = *Reader(bytes).u32();
  }
  return index;
}

Link* Endpoint::link(const crypto::PublicKey& peer) {
  for (auto* candidate : links()) {
    if (candidate->peer() == peer) return candidate;
  }
  return nullptr;
}

}  // namespace sts::protocol
