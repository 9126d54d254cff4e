#include "client/config_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "store/key_file.h"
#include "store/peers.h"

namespace sts::client {
namespace {

Result<PeerRef> parse_peer(std::string_view item) {
  if (item == "first-use") return FirstUse{};
  if (item == "trusted") return AllTrusted{};
  // No name holds one of these, and every key ends in '='.
  if (item.find_first_of("=+/") != std::string_view::npos) {
    auto key = crypto::parse_public_key(item);
    if (!key) return tl::unexpected(key.error());
    return *key;
  }
  if (!store::valid_peer_name(item)) {
    return fail(Errc::bad_input, fmt::format("'{}' is neither a key nor a name", item));
  }
  return std::string(item);
}

}  // namespace

Result<std::uint64_t> parse_number(std::string_view value, std::uint64_t least,
                                   std::uint64_t most) {
  std::uint64_t number = 0;
  const auto* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc{} || stop != end || number < least || number > most) {
    return fail(Errc::bad_input, fmt::format("'{}' is no value for it", value),
                fmt::format("a whole number from {} to {}", least, most));
  }
  return number;
}

Result<std::string> parse_host(std::string_view value) {
  const auto colons = std::count(value.begin(), value.end(), ':');
  if (value.empty() || colons == 1 || value.find_first_of(" \t/@[]") != std::string_view::npos) {
    return fail(Errc::bad_input, fmt::format("'{}' is no host", value),
                "the name or address of the broker alone; the port goes into 'port'");
  }
  return std::string(value);
}

Result<std::string> parse_topic(std::string_view value, TopicKind kind) {
  if (value.empty()) return fail(Errc::bad_input, "no topic given", "name a topic");
  for (std::size_t at = 0; at < value.size(); ++at) {
    if (value[at] != '+' && value[at] != '#') continue;
    if (kind == TopicKind::name) {
      return fail(Errc::bad_input, fmt::format("a wildcard in '{}'", value),
                  "name one topic, without '+' and '#'");
    }
    const bool last = at + 1 == value.size();
    const bool alone = (at == 0 || value[at - 1] == '/') && (last || value[at + 1] == '/');
    if (!alone || (value[at] == '#' && !last)) {
      return fail(Errc::bad_input, fmt::format("a wildcard where it may not be in '{}'", value),
                  "'+' and '#' stand alone between slashes, and '#' only at the end");
    }
  }
  return std::string(value);
}

Result<std::vector<PeerRef>> parse_peers(std::string_view value) {
  std::vector<PeerRef> peers;
  for (bool more = true; more;) {
    const auto comma = value.find(',');
    more = comma != std::string_view::npos;
    auto item = value.substr(0, comma);
    item.remove_prefix(std::min(item.find_first_not_of(" \t"), item.size()));
    item = item.substr(0, item.find_last_not_of(" \t") + 1);
    if (more) value.remove_prefix(comma + 1);

    auto peer = parse_peer(item);
    if (!peer) {
      return fail(Errc::bad_input, peer.error().message,
                  "a key of 44 characters, a name from 'sts peer list', first-use or trusted");
    }
    const auto same = [&](const PeerRef& other) {
      const auto* key = std::get_if<crypto::PublicKey>(&*peer);
      const auto* name = std::get_if<std::string>(&*peer);
      return (key != nullptr && std::holds_alternative<crypto::PublicKey>(other) &&
              std::get<crypto::PublicKey>(other) == *key) ||
             (name != nullptr && std::holds_alternative<std::string>(other) &&
              std::get<std::string>(other) == *name);
    };
    if (std::any_of(peers.begin(), peers.end(), same)) {
      return fail(Errc::bad_input, fmt::format("'{}' is in the list twice", item),
                  "name each peer once");
    }
    peers.push_back(std::move(*peer));
  }
  const bool word = std::any_of(peers.begin(), peers.end(), [](const PeerRef& peer) {
    return std::holds_alternative<FirstUse>(peer) || std::holds_alternative<AllTrusted>(peer);
  });
  if (word && peers.size() > 1) {
    return fail(Errc::bad_input, "first-use and trusted each stand alone",
                "either list keys and names, or write one of the two words");
  }
  return peers;
}

Result<crypto::Psk> parse_psk(std::string_view value) {
  auto key = crypto::parse_secret_key(value);
  if (!key) {
    return fail(Errc::bad_input, key.error().message,
                "make one, for instance with 'head -c 32 /dev/urandom | base64'");
  }
  return store::to_psk(std::move(*key));
}

bool valid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at++]);
    if (first < 0x80) continue;
    // The second byte's range is narrower after some first bytes: no long forms, no surrogates, and
    // nothing above U+10FFFF (RFC 3629, section 4).
    unsigned char least = 0x80, most = 0xBF;
    std::size_t more = 0;
    if (first >= 0xC2 && first <= 0xDF) {
      more = 1;
    } else if (first >= 0xE0 && first <= 0xEF) {
      more = 2;
      if (first == 0xE0) least = 0xA0;
      if (first == 0xED) most = 0x9F;
    } else if (first >= 0xF0 && first <= 0xF4) {
      more = 3;
      if (first == 0xF0) least = 0x90;
      if (first == 0xF4) most = 0x8F;
    } else {
      return false;
    }
    for (; more > 0; --more, ++at, least = 0x80, most = 0xBF) {
      if (at == text.size()) return false;
      const auto next = static_cast<unsigned char>(text[at]);
      if (next < least || next > most) return false;
    }
  }
  return true;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

}  // namespace sts::client
