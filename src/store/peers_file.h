// The trust file as it lies on the disk: a peer a line, NAME KEY [PSK] [reads=FILTER]...
// [writes=FILTER]...; empty lines, and comments that begin with '#'.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/file.h"
#include "store/home.h"
#include "store/peers.h"

namespace sts::store {

struct PeersFile {
  /// One line, which a rewrite keeps as it is unless `changed`.
  struct Entry {
    std::string_view line;     // of `text`
    std::optional<Peer> peer;  // none for a comment or an empty line
    bool changed = false;
  };
  WipedText text = {};
  std::vector<Entry> entries = {};
};

/// Errc::bad_input for a damaged line, with its number; refused where others can write the file, or
/// read a PSK in it.
Result<PeersFile> read_peers_file(const Home& home);

/// In one step: after a crash there is the old file or this one. Errc::limit for one too large.
Result<void> write_peers_file(const HomeLock& lock, const Home& home, const PeersFile& file);

}  // namespace sts::store
