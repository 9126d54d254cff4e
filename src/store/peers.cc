#include "store/peers.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/topic.h"
#include "store/file.h"
#include "store/peers_file.h"

namespace sts::store {
namespace {

/// Carries out a change of the entries, which says whether it made one, while nobody else does.
template <typename Change>
Result<void> rewrite(const Home& home, Change change) {
  auto lock = HomeLock::acquire(home);
  if (!lock) return tl::unexpected(lock.error());
  auto file = read_peers_file(home);
  if (!file) return tl::unexpected(file.error());
  Result<bool> changed = change(file->entries);
  if (!changed) return tl::unexpected(changed.error());
  if (!*changed) return {};
  return write_peers_file(*lock, home, *file);
}

using Entries = std::vector<PeersFile::Entry>;

/// The entry of that name, or an error.
Result<Entries::iterator> find(Entries& entries, std::string_view name) {
  const auto found = std::ranges::find_if(
      entries, [&](const auto& entry) { return entry.peer && entry.peer->name == name; });
  if (found != entries.end()) return found;
  return fail(Errc::bad_input, fmt::format("no peer is named '{}'", name),
              "'sts peer list' shows them");
}

bool has(const std::vector<std::string>& list, const std::string& filter) {
  return std::ranges::find(list, filter) != list.end();
}

/// Whether anything was missing.
bool add(std::vector<std::string>& list, const std::vector<std::string>& more) {
  const auto before = list.size();
  for (const auto& filter : more) {
    if (!has(list, filter)) list.push_back(filter);
  }
  return list.size() > before;
}

bool add(Rights& rights, const Rights& more) {
  const bool reads = add(rights.reads, more.reads);
  return add(rights.writes, more.writes) || reads;
}

Result<void> take(std::vector<std::string>& list, const std::vector<std::string>& less,
                  std::string_view verb, std::string_view name) {
  for (const auto& filter : less) {
    if (!has(list, filter)) {
      return fail(Errc::bad_input, fmt::format("'{}' has no {}={}", name, verb, filter),
                  "'sts peer list' shows what it has");
    }
  }
  std::erase_if(list, [&](const auto& filter) { return has(less, filter); });
  return {};
}

/// What stands in the way of `peer` beside the one that is `present`.
Result<void> check_clash(const Peer& present, const Peer& peer) {
  const auto hint = fmt::format("sts peer remove {}", present.name);
  if (present.key != peer.key) {
    return fail(Errc::refused,
                fmt::format("the name '{}' is taken, its key is {}", present.name,
                            crypto::to_text(present.key)),
                hint);
  }
  if (present.name != peer.name) {
    return fail(Errc::refused, fmt::format("this key is listed already, as '{}'", present.name),
                hint);
  }
  if (peer.psk && present.psk && *present.psk != *peer.psk) {
    return fail(Errc::refused, fmt::format("'{}' has another psk already", present.name), hint);
  }
  return {};
}

Result<void> check(const Peer& peer) {
  if (!valid_peer_name(peer.name)) {
    return fail(Errc::bad_input, fmt::format("'{}' is not a valid name for a peer", peer.name),
                "1 to 64 letters, digits, '.', '_' and '-'");
  }
  return crypto::check_public_key(peer.key).and_then([&] { return check_rights(peer.rights); });
}

/// Adds what is missing, and says whether anything was.
Result<bool> put(Entries& entries, Peer peer) {
  for (auto& entry : entries) {
    auto& present = entry.peer;
    if (!present || (present->name != peer.name && present->key != peer.key)) continue;
    if (auto clear = check_clash(*present, peer); !clear) return tl::unexpected(clear.error());
    entry.changed = add(present->rights, peer.rights);
    if (peer.psk && !present->psk) {
      present->psk = std::move(peer.psk);
      entry.changed = true;
    }
    return entry.changed;
  }
  entries.push_back({{}, std::move(peer), true});
  return true;
}

bool selects(const std::vector<std::string>& filters, std::string_view topic) {
  return std::ranges::any_of(filters,
                             [&](const auto& filter) { return topic_matches(filter, topic); });
}

}  // namespace

Result<void> check_rights(const Rights& rights) {
  for (const auto* list : {&rights.reads, &rights.writes}) {
    for (const auto& filter : *list) {
      if (auto good = check_topic(filter, TopicKind::filter); !good) return good;
    }
  }
  return {};
}

bool valid_peer_name(std::string_view name) {
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.size() <= 64 && name[0] != '-' &&
         name.find_first_not_of(allowed) == std::string_view::npos && name != "first-use" &&
         name != "trusted";
}

Result<std::vector<Peer>> load_peers(const Home& home) {
  auto file = read_peers_file(home);
  if (!file) return tl::unexpected(file.error());
  std::vector<Peer> peers;
  for (auto& entry : file->entries) {
    if (entry.peer) peers.push_back(std::move(*entry.peer));
  }
  return peers;
}

std::vector<const Peer*> readers_of(const std::vector<Peer>& peers, std::string_view topic) {
  std::vector<const Peer*> readers;
  for (const auto& peer : peers) {
    if (selects(peer.rights.reads, topic)) readers.push_back(&peer);
  }
  return readers;
}

bool may_write(const Peer& peer, std::string_view topic) {
  return selects(peer.rights.writes, topic);
}

Result<void> add_peer(const Home& home, Peer peer) {
  if (auto good = check(peer); !good) return good;
  return rewrite(home, [&](Entries& entries) { return put(entries, std::move(peer)); });
}

Result<std::string> enrol_peer(const Home& home, const crypto::PublicKey& key, std::string name,
                               const Rights& rights) {
  constexpr std::size_t shown = 9;  // two groups
  if (name.empty()) name = "peer-" + crypto::fingerprint(key).substr(0, shown);
  Peer peer{name, key, std::nullopt, rights};
  if (auto good = check(peer); !good) return tl::unexpected(good.error());
  return rewrite(home,
                 [&](Entries& entries) {
                   for (const auto& [line, present, changed] : entries) {
                     if (present && present->key == key) name = peer.name = present->name;
                   }
                   return put(entries, std::move(peer));
                 })
      .map([&] { return name; });
}

Result<void> remove_peer(const Home& home, std::string_view name) {
  return rewrite(home, [&](Entries& entries) {
    return find(entries, name).map([&](auto entry) {
      entries.erase(entry);
      return true;
    });
  });
}

Result<void> allow(const Home& home, std::string_view name, const Rights& rights) {
  if (auto good = check_rights(rights); !good) return good;
  return rewrite(home, [&](Entries& entries) {
    return find(entries, name).map([&](auto entry) {
      return entry->changed = add(entry->peer->rights, rights);
    });
  });
}

Result<void> deny(const Home& home, std::string_view name, const Rights& rights) {
  return rewrite(home, [&](Entries& entries) {
    return find(entries, name).and_then([&](auto entry) {
      auto& rest = entry->peer->rights;
      entry->changed = true;
      return take(rest.reads, rights.reads, "reads", name)
          .and_then([&] { return take(rest.writes, rights.writes, "writes", name); })
          .map([] { return true; });
    });
  });
}

}  // namespace sts::store
