#include "store/peers_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "base/topic.h"
#include "store/key_file.h"

namespace sts::store {
namespace {

constexpr std::size_t size_limit = std::size_t{4} << 20U;
constexpr std::string_view reads = "reads=", writes = "writes=";

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

/// As one word: what would end it, or the line, as %XX.
std::string escaped(std::string_view filter) {
  std::string out;
  for (const char c : filter) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte == 0x7f || c == '%') {
      out += fmt::format("%{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

Result<std::string> parse_filter(std::string_view word) {
  std::string filter;
  while (!word.empty()) {
    std::size_t taken = 1;
    if (word[0] == '%') {
      taken = 3;
      const auto byte = from_hex(word.substr(1, 2));
      if (!byte || byte->size() != 1) {
        return fail(Errc::bad_input, "in a filter '%' is written as %25");
      }
      filter += as_text(*byte);
    } else {
      filter += word[0];
    }
    word.remove_prefix(taken);
  }
  if (auto good = check_topic(filter, TopicKind::filter); !good) {
    return tl::unexpected(good.error());
  }
  return filter;
}

Result<void> parse_word(std::string_view word, Peer& peer) {
  const bool may_read = word.starts_with(reads);
  if (may_read || word.starts_with(writes)) {
    auto filter = parse_filter(word.substr(may_read ? reads.size() : writes.size()));
    if (!filter) return tl::unexpected(filter.error());
    (may_read ? peer.rights.reads : peer.rights.writes).push_back(std::move(*filter));
    return {};
  }
  if (peer.psk || !peer.rights.reads.empty() || !peer.rights.writes.empty()) {
    return fail(Errc::bad_input, "a line is NAME KEY [PSK] [reads=FILTER]... [writes=FILTER]...");
  }
  auto psk = crypto::parse_secret_key(word).and_then(to_psk);
  if (!psk) return fail(Errc::bad_input, "PSK: " + psk.error().message);
  peer.psk.emplace(std::move(*psk));
  return {};
}

Result<std::optional<Peer>> parse_line(std::string_view line) {
  const auto words = split_words(line);
  if (words.empty() || words[0].starts_with('#')) return std::nullopt;
  if (words.size() < 2) {
    return fail(Errc::bad_input, "a line is NAME KEY [PSK] [reads=FILTER]... [writes=FILTER]...");
  }
  if (!valid_peer_name(words[0])) return fail(Errc::bad_input, "not a valid name");
  auto key = crypto::parse_public_key(words[1]);
  if (!key) return tl::unexpected(key.error());
  Peer peer{std::string(words[0]), *key, std::nullopt};
  for (std::size_t i = 2; i < words.size(); ++i) {
    if (auto parsed = parse_word(words[i], peer); !parsed) return tl::unexpected(parsed.error());
  }
  return peer;
}

Result<std::vector<PeersFile::Entry>> parse(const std::string& path, std::string_view text) {
  std::vector<PeersFile::Entry> entries;
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

void append_peer(WipedText& out, const Peer& peer) {
  append(out, fmt::format("{} {}", peer.name, crypto::to_text(peer.key)));
  if (peer.psk) {
    auto psk = crypto::to_text(*peer.psk);
    append(out, " ");
    append(out, psk);
    sodium_memzero(psk.data(), psk.size());
  }
  append(out, to_words(peer.rights));
}

}  // namespace

std::string to_words(const Rights& rights) {
  std::string out;
  for (const auto& filter : rights.reads) out += fmt::format(" {}{}", reads, escaped(filter));
  for (const auto& filter : rights.writes) out += fmt::format(" {}{}", writes, escaped(filter));
  return out;
}

Result<PeersFile> read_peers_file(const Home& home) {
  auto home_safe = check_home(home);
  if (!home_safe) return tl::unexpected(home_safe.error());
  const auto path = home.peers_file();
  auto file = read_file(path, size_limit);
  if (!file) return tl::unexpected(file.error());
  if (!*file) return PeersFile{};
  auto entries = parse(path.string(), view((*file)->text));
  if (!entries) return tl::unexpected(entries.error());
  const bool secret = std::ranges::any_of(
      *entries, [](const auto& entry) { return entry.peer && entry.peer->psk; });
  auto safe = secret ? check_private(path, **file) : check_trusted(path, **file);
  if (!safe) return tl::unexpected(safe.error());
  return PeersFile{std::move((*file)->text), std::move(*entries)};
}

Result<void> write_peers_file(const HomeLock& lock, const Home& home, const PeersFile& file) {
  WipedText text;
  for (const auto& entry : file.entries) {
    if (entry.changed) {
      append_peer(text, *entry.peer);
    } else {
      append(text, entry.line);
    }
    append(text, "\n");
  }
  if (text.size() > size_limit) {
    return fail(Errc::limit, fmt::format("{} is full", home.peers_file().string()),
                "remove peers with 'sts peer remove NAME'");
  }
  return write_file(lock, home.peers_file(), view(text), Existing::replace);
}

}  // namespace sts::store
