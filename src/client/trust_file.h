// The trust file of a running process: changes to it take effect at once, and a config may add to
// the rights in it.
#pragma once

#include <sys/stat.h>

#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/home.h"
#include "store/peers.h"

namespace sts::client {

class TrustFile {
 public:
  /// `more` counts besides what the file says, and for its peers only: Errc::bad_input for another.
  static Result<TrustFile> load(const store::Home& home, store::PeerRights more = {});

  /// Reads the file again if it is another one than last time. Whether it was. On an error what was
  /// read last still counts.
  Result<bool> refresh();

  const std::vector<store::Peer>& peers() const { return peers_; }
  /// Null: not in the file.
  const store::Peer* find(const crypto::PublicKey& key) const;

 private:
  struct Version {
    bool exists = false;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const Version&) const = default;
  };
  TrustFile(const store::Home& home, store::PeerRights more)
      : home_(home), more_(std::move(more)) {}
  Version look() const;
  Result<void> read();

  store::Home home_;
  store::PeerRights more_;
  Version version_;
  std::vector<store::Peer> peers_;
};

}  // namespace sts::client
