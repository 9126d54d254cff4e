#include "client/config_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
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
    if (auto usable = crypto::check_public_key(*key); !usable) {
      return tl::unexpected(usable.error());
    }
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

namespace {

/// [USER@]HOST[:PORT], with an IPv6 address in brackets.
Result<Url> parse_authority(std::string_view value) {
  Url url;
  if (const auto at = value.rfind('@'); at != std::string_view::npos) {
    url.username = value.substr(0, at);
    if (url.username.find(':') != std::string::npos) {
      return fail(Errc::bad_input, "a password in a URL can be read by others",
                  "leave it out and set password_from");
    }
    value.remove_prefix(at + 1);
  }
  std::string_view port;
  if (value.starts_with('[')) {
    const auto end = value.find(']');
    if (end == std::string_view::npos) {
      return fail(Errc::bad_input, fmt::format("'{}' is no host", value), "close the bracket");
    }
    port = value.substr(end + 1);
    value = value.substr(1, end - 1);
  } else if (const auto colon = value.find(':'); colon != std::string_view::npos) {
    port = value.substr(colon);
    value = value.substr(0, colon);
  }
  if (!port.empty()) {
    auto number = parse_number(port.substr(1), 1, 65535);
    if (!number || port[0] != ':') {
      return fail(Errc::bad_input, fmt::format("'{}' is no port", port), ":1 to :65535");
    }
    url.port = static_cast<std::uint16_t>(*number);
  }
  auto host = parse_host(value);
  if (!host) return tl::unexpected(host.error());
  url.host = std::move(*host);
  return url;
}

}  // namespace

Result<Url> parse_url(std::string_view value) {
  const auto scheme_end = value.find("://");
  if (scheme_end == std::string_view::npos) {
    return parse_host(value).map([](std::string host) { return Url{std::move(host), {}, {}}; });
  }
  const auto scheme = value.substr(0, scheme_end);
  auto rest = value.substr(scheme_end + 3);
  if (scheme == "unix" && rest.starts_with('/') && rest.size() < 108) {  // sockaddr_un
    return Url{std::string(rest), std::uint16_t{0}, {}};
  }
  if (scheme != "mqtt" && scheme != "mqtts") {
    return fail(Errc::bad_input, fmt::format("'{}' is not the URL of a broker", value),
                "mqtt://HOST, mqtts://HOST or unix:///PATH");
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  auto url = parse_authority(rest);
  if (url) url->tls = scheme == "mqtts";
  return url;
}

Result<Url> parse_proxy(std::string_view value) {
  for (const std::string_view scheme : {"socks5h://", "socks5://"}) {
    if (value.starts_with(scheme)) value.remove_prefix(scheme.size());
  }
  return parse_authority(value);
}

Result<std::string> parse_topic(std::string_view value, TopicKind kind) {
  return check_topic(value, kind).map([&] { return std::string(value); });
}

Result<std::vector<PeerRef>> parse_peers(std::string_view value) {
  std::vector<PeerRef> peers;
  for (bool more = true; more;) {
    const auto comma = value.find(',');
    more = comma != std::string_view::npos;
    const auto item = trim(value.substr(0, comma));
    if (more) value.remove_prefix(comma + 1);

    auto peer = parse_peer(item);
    if (!peer) {
      auto& [code, message, hint] = peer.error();
      if (hint.empty()) {
        hint = "a key of 44 characters, a name from 'sts peer list', first-use or trusted";
      }
      return tl::unexpected(peer.error());
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
    return fail(Errc::bad_input, key.error().message, "'sts key psk' makes one");
  }
  return store::to_psk(std::move(*key));
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
