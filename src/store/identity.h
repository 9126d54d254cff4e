// The identity: one X25519 key pair in one file, 0600.
#pragma once

#include <optional>

#include "base/random.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "store/home.h"

namespace sts::store {

/// The identity, or nullopt where there is none yet. Refused, with the command that mends it, where
/// others can read the file or write to the home.
Result<std::optional<crypto::KeyPair>> load_identity(const Home& home);

/// Makes one and stores it: written whole and synced before it takes its name, never over an old
/// one.
Result<crypto::KeyPair> create_identity(const Home& home, Random& random);

struct Identity {
  crypto::KeyPair pair;
  bool made;  // by this call
};

/// The identity, made where there is none yet. Of many processes that find none one makes it, and
/// the others get the same.
Result<Identity> load_or_create_identity(const Home& home, Random& random);

}  // namespace sts::store
