// Whom a config expects, for when somebody else comes.
#pragma once

#include <string>
#include <vector>

#include "client/config.h"
#include "client/messenger.h"
#include "crypto/keys.h"

namespace sts::client {

class Refusal {
 public:
  /// `expected`: the keys that `config` trusts now; none yet at first use.
  Refusal(const Config& config, std::vector<crypto::PublicKey> expected);

  /// First use is over.
  void pinned(const crypto::PublicKey& key) { expected_ = {key}; }

  /// That `offered`, which people call `name`, was refused, whom the config expects in its place,
  /// and what to do where it is the peer with a new key.
  Line line(const crypto::PublicKey& offered, const std::string& name) const;

 private:
  std::string remedy() const;

  std::string pin_name_, whose_;
  bool is_flag_ = false;  // `peer` is a flag of a one-shot command
  std::vector<PeerRef> peers_;
  std::vector<crypto::PublicKey> expected_;
};

}  // namespace sts::client
