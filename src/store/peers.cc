#include "store/peers.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/file.h"
#include "store/key_file.h"

namespace sts::store {
namespace {

constexpr std::size_t peers_file_limit = std::size_t{4} << 20U;

/// The trust file taken apart, so that a rewrite keeps the lines it has no business with.
struct Entry {
  std::string_view line;
  std::optional<Peer> peer;  // none for a comment or an empty line
};

struct PeersFile {
  WipedText text;
  std::vector<Entry> entries;  // views of `text`
};

std::vector<std::string_view> split_words(std::string_view line) {
  constexpr std::string_view blanks = " \t";
  std::vector<std::string_view> words;
  for (auto from = line.find_first_not_of(blanks); from != std::string_view::npos;) {
    const auto to = std::min(line.find_first_of(blanks, from), line.size());
    words.push_back(line.substr(from, to - from));
    from = line.find_first_not_of(blanks, to);
  }
  return words;
}

Result<std::optional<Peer>> parse_line(std::string_view line) {
  const auto words = split_words(line);
  if (words.empty() || words[0].starts_with('#')) return std::nullopt;
  if (words.size() < 2 || words.size() > 3) {
    return fail(Errc::bad_input, "a line is NAME KEY, or NAME KEY PSK");
  }
  if (!valid_peer_name(words[0])) return fail(Errc::bad_input, "not a valid name");
  auto key = crypto::parse_public_key(words[1]);
  if (!key) return tl::unexpected(key.error());
  Peer peer{std::string(words[0]), *key, std::nullopt};
  if (words.size() == 3) {
    auto psk = crypto::parse_secret_key(words[2]).and_then(to_psk);
    if (!psk) return fail(Errc::bad_input, "PSK: " + psk.error().message);
    peer.psk.emplace(std::move(*psk));
  }
  return peer;
}

Result<std::vector<Entry>> parse(const std::string& path, std::string_view text) {
  std::vector<Entry> entries;
  const auto at = [&](std::size_t line, std::string_view what) {
    return fail(Errc::bad_input, fmt::format("{}:{}: {}", path, line, what),
                "mend or delete that line");
  };
  std::vector<std::pair<std::string_view, std::size_t>> names;
  std::vector<std::pair<crypto::PublicKey, std::size_t>> keys;
  for (const auto line : split_lines(text)) {
    auto peer = parse_line(line);
    const auto number = entries.size() + 1;
    if (!peer) return at(number, peer.error().message);
    if (*peer) {
      names.emplace_back(split_words(line)[0], number);
      keys.emplace_back((*peer)->key, number);
    }
    entries.push_back({line, std::move(*peer)});
  }
  const auto find_repeat = [](auto& list) {
    std::sort(list.begin(), list.end());
    return std::adjacent_find(list.begin(), list.end(),
                              [](auto& a, auto& b) { return a.first == b.first; });
  };
  if (auto name = find_repeat(names); name != names.end()) {
    return at(std::next(name)->second,
              fmt::format("the name '{}' is in line {} too", name->first, name->second));
  }
  if (auto key = find_repeat(keys); key != keys.end()) {
    return at(std::next(key)->second, fmt::format("the same key is in line {} too", key->second));
  }
  return entries;
}

Result<PeersFile> read_peers(const Home& home) {
  const auto path = home.peers_file();
  auto file = read_file(path, peers_file_limit);
  if (!file) return tl::unexpected(file.error());
  if (!*file) return PeersFile{};
  auto entries = parse(path.string(), view((*file)->text));
  if (!entries) return tl::unexpected(entries.error());
  const bool secret = std::any_of(entries->begin(), entries->end(),
                                  [](const Entry& entry) { return entry.peer && entry.peer->psk; });
  auto safe = secret ? check_private(path, **file) : check_trusted(path, **file);
  if (!safe) return tl::unexpected(safe.error());
  return PeersFile{std::move((*file)->text), std::move(*entries)};
}

void append_peer(WipedText& out, const Peer& peer) {
  append(out, fmt::format("{} {}", peer.name, crypto::to_text(peer.key)));
  if (peer.psk) {
    auto psk = crypto::to_text(*peer.psk);
    append(out, " ");
    append(out, psk);
    sodium_memzero(psk.data(), psk.size());
  }
  append(out, "\n");
}

}  // namespace

bool valid_peer_name(std::string_view name) {
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.size() <= 64 && name[0] != '-' &&
         name.find_first_not_of(allowed) == std::string_view::npos && name != "first-use" &&
         name != "trusted";
}

Result<std::vector<Peer>> load_peers(const Home& home) {
  auto file = read_peers(home);
  if (!file) return tl::unexpected(file.error());
  std::vector<Peer> peers;
  for (auto& entry : file->entries) {
    if (entry.peer) peers.push_back(std::move(*entry.peer));
  }
  return peers;
}

Result<void> add_peer(const Home& home, Peer peer) {
  if (!valid_peer_name(peer.name)) {
    return fail(Errc::bad_input, fmt::format("'{}' is not a valid name for a peer", peer.name),
                "1 to 64 letters, digits, '.', '_' and '-'");
  }
  auto lock = HomeLock::acquire(home);
  if (!lock) return tl::unexpected(lock.error());
  auto file = read_peers(home);
  if (!file) return tl::unexpected(file.error());
  WipedText text;
  bool known = false;
  for (const auto& [line, present] : file->entries) {
    if (present && (present->name == peer.name || present->key == peer.key)) {
      const auto hint = fmt::format("sts peer remove {}", present->name);
      if (present->key != peer.key) {
        return fail(Errc::refused,
                    fmt::format("the name '{}' is taken, its key is {}", present->name,
                                crypto::to_text(present->key)),
                    hint);
      }
      if (present->name != peer.name) {
        return fail(Errc::refused,
                    fmt::format("this key is listed already, as '{}'", present->name), hint);
      }
      if (!peer.psk || (present->psk && *present->psk == *peer.psk)) return {};
      if (present->psk) {
        return fail(Errc::refused, fmt::format("'{}' has another psk already", present->name),
                    hint);
      }
      known = true;
      append_peer(text, peer);
      continue;
    }
    append(text, line);
    append(text, "\n");
  }
  if (!known) append_peer(text, peer);
  if (text.size() > peers_file_limit) {
    return fail(Errc::limit, fmt::format("{} is full", home.peers_file().string()));
  }
  return write_file(*lock, home.peers_file(), view(text), Existing::replace);
}

Result<void> remove_peer(const Home& home, std::string_view name) {
  auto lock = HomeLock::acquire(home);
  if (!lock) return tl::unexpected(lock.error());
  auto file = read_peers(home);
  if (!file) return tl::unexpected(file.error());
  WipedText text;
  bool found = false;
  for (const auto& [line, present] : file->entries) {
    if (present && present->name == name) {
      found = true;
      continue;
    }
    append(text, line);
    append(text, "\n");
  }
  if (!found) {
    return fail(Errc::bad_input, fmt::format("no peer is named '{}'", name),
                "'sts peer list' shows them");
  }
  return write_file(*lock, home.peers_file(), view(text), Existing::replace);
}

}  // namespace sts::store
