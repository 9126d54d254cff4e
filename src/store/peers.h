// The trust file: who may speak to us, by name, and what about.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/keys.h"
#include "store/home.h"

namespace sts::store {

/// Topic filters, as in a subscription.
struct Rights {
  std::vector<std::string> reads = {};   // of the topics of ours that a peer may read
  std::vector<std::string> writes = {};  // of the topics on which we believe it
};

/// Rights of several peers, by name.
using PeerRights = std::map<std::string, Rights>;

/// Refuses what is no topic filter.
Result<void> check_rights(const Rights& rights);

/// " reads=FILTER" and " writes=FILTER" for each, as in the trust file: blanks, control characters
/// and
/// '%' in one are written as %XX.
std::string to_words(const Rights& rights);

struct Peer {
  std::string name;
  crypto::PublicKey key;
  std::optional<crypto::Psk> psk;
  Rights rights = {};
};

/// Letters, digits, '.', '_', '-', 1 to 64 of them, and neither of the words "first-use" and
/// "trusted".
bool valid_peer_name(std::string_view name);

/// All peers, in the file's order; none where there is no file. A damaged line is an error with its
/// number.
Result<std::vector<Peer>> load_peers(const Home& home);

/// Those that may read what we publish on `topic`.
std::vector<const Peer*> readers_of(const std::vector<Peer>& peers, std::string_view topic);
/// Whether what `peer` says on `topic` is to be believed.
bool may_write(const Peer& peer, std::string_view topic);

/// Adds one; refused where the name is taken by another key, the key by another name, or the key is
/// nobody's. The same again adds a PSK where there was none, and the rights that it doesn't have.
/// Concurrent callers, in any process, don't lose each other's change; a crash leaves the old file
/// or the new one.
Result<void> add_peer(const Home& home, Peer peer);
/// The same for a key that proved itself in an invite: one that is listed already keeps its name,
/// and with an empty `name` a new one is named after its fingerprint. The name that it has.
Result<std::string> enrol_peer(const Home& home, const crypto::PublicKey& key, std::string name,
                               const Rights& rights);
/// With the same care; an unknown name is an error.
Result<void> remove_peer(const Home& home, std::string_view name);
/// Gives a peer more rights, or takes some away, with the same care. To take what it doesn't have
/// is an error, and then nothing is changed.
Result<void> allow(const Home& home, std::string_view name, const Rights& rights);
Result<void> deny(const Home& home, std::string_view name, const Rights& rights);

}  // namespace sts::store
