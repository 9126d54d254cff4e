// The trust file: who may speak to us, by name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/keys.h"
#include "store/home.h"

namespace sts::store {

struct Peer {
  std::string name;
  crypto::PublicKey key;
  std::optional<crypto::Psk> psk;
};

/// Letters, digits, '.', '_', '-', 1 to 64 of them, and neither of the words "first-use" and
/// "trusted".
bool valid_peer_name(std::string_view name);

/// All peers, in the file's order; none where there is no file. A damaged line is an error with its
/// number.
Result<std::vector<Peer>> load_peers(const Home& home);

/// Adds one; refused where the name is taken by another key or the key by another name. The same
/// again changes nothing, except that a PSK is added where there was none. Concurrent callers, in
/// any process, don't lose each other's change; a crash leaves the old file or the new one.
Result<void> add_peer(const Home& home, Peer peer);
/// With the same care; an unknown name is an error.
Result<void> remove_peer(const Home& home, std::string_view name);

}  // namespace sts::store
