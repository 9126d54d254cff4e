// The protocol's notices as sentences, and no flood of them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "client/config.h"
#include "client/messenger.h"
#include "client/refusal.h"
#include "protocol/effects.h"

namespace sts::client {

/// What strangers on the topic can cause is said once, then at most every ten seconds, with a
/// count.
class Notices {
 public:
  /// `expected`: the keys that `config` trusts now.
  Notices(const Config& config, std::vector<crypto::PublicKey> expected);

  /// `peer` is how people call the notice's peer.
  std::optional<Line> say(const protocol::Notice& notice, const std::string& peer, Instant now);
  /// First use is over.
  void pinned(const crypto::PublicKey& key) { refusal_.pinned(key); }
  /// How to mend that there is no session: the hint of the last error, else what is wrong mostly.
  const std::string& no_session_hint() const { return no_session_hint_; }

 private:
  struct Said {
    Instant at;
    std::size_t withheld = 0;
  };

  Line line(const protocol::Notice& notice, const std::string& peer) const;
  std::optional<Line> invite_line(const protocol::Notice& notice, const std::string& peer) const;

  std::string subtop_;
  Mode mode_;
  bool invite_;
  Refusal refusal_;
  std::string no_session_hint_;
  std::map<protocol::NoticeKind, Said> said_;
};

}  // namespace sts::client
