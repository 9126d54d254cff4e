// Who a config speaks to: its `peer` line against the trust file.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "client/config.h"
#include "protocol/endpoint.h"
#include "store/home.h"
#include "store/peers.h"

namespace sts::client {

class Trusted {
 public:
  static Result<Trusted> load(const Config& config, const store::Home& home);

  /// For the endpoint; once.
  protocol::Trust take() { return std::move(trust_); }

  /// The name of the trust file, else the key.
  std::string name(const crypto::PublicKey& key) const;
  bool one_peer() const { return one_peer_; }
  /// Stores a first-use pin under the config's name, or that of an invite.
  Result<void> pin(const crypto::PublicKey& key, const store::Home& home);

 private:
  std::string pin_name_;
  std::optional<store::Rights> invite_;
  std::map<crypto::PublicKey, std::string> names_;
  protocol::Trust trust_;
  bool one_peer_ = true;
};

}  // namespace sts::client
