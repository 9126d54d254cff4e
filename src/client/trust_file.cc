#include "client/trust_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace sts::client {

Result<TrustFile> TrustFile::load(const store::Home& home, store::PeerRights more) {
  TrustFile out(home, std::move(more));
  if (auto read = out.read(); !read) return tl::unexpected(read.error());
  for (const auto& [name, rights] : out.more_) {
    if (std::ranges::find(out.peers_, name, &store::Peer::name) != out.peers_.end()) continue;
    return fail(
        Errc::bad_input,
        fmt::format("no peer is called '{}', to whom `reads` or `writes` give rights", name),
        fmt::format("mend that line of the config, or: sts peer add {} KEY", name));
  }
  return out;
}

Result<void> TrustFile::read() {
  const auto version = look();
  auto peers = store::load_peers(home_);
  if (!peers) return tl::unexpected(peers.error());
  for (auto& peer : *peers) {
    const auto more = more_.find(peer.name);
    if (more == more_.end()) continue;
    std::ranges::copy(more->second.reads, std::back_inserter(peer.rights.reads));
    std::ranges::copy(more->second.writes, std::back_inserter(peer.rights.writes));
  }
  version_ = version;
  peers_ = std::move(*peers);
  return {};
}

Result<bool> TrustFile::refresh() {
  if (look() == version_) return false;
  return read().map([] { return true; });
}

const store::Peer* TrustFile::find(const crypto::PublicKey& key) const {
  const auto peer = std::ranges::find(peers_, key, &store::Peer::key);
  return peer == peers_.end() ? nullptr : &*peer;
}

// The file is replaced whole, so a new one has another inode or time.
TrustFile::Version TrustFile::look() const {
  struct stat status {};
  if (::stat(home_.peers_file().c_str(), &status) != 0) return {};
  return {true, status.st_ino, status.st_size,
          std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

}  // namespace sts::client
