// The values of a config file: each function reads one kind. Errors tell what is wrong with the
// value; where it stands is added by config.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/topic.h"
#include "client/config.h"

namespace sts::client {

/// A whole number of decimal digits from `least` to `most`.
Result<std::uint64_t> parse_number(std::string_view value, std::uint64_t least, std::uint64_t most);

/// One of the words; the error lists them.
template <typename T, std::size_t N>
Result<T> parse_word(std::string_view value, const std::pair<std::string_view, T> (&words)[N]) {
  std::string list;
  for (const auto& [word, meaning] : words) {
    if (value == word) return meaning;
    list += (list.empty() ? "" : ", ") + std::string(word);
  }
  return fail(Errc::bad_input, "'" + std::string(value) + "' is no value for it", "one of " + list);
}

/// A host name or address, without scheme and port.
Result<std::string> parse_host(std::string_view value);

struct Url {
  std::string host;                   // of a Unix socket: its path
  std::optional<std::uint16_t> port;  // of a Unix socket: 0
  std::string username;
  bool tls = false;
};
/// A host, HOST:PORT, mqtt://[USER@]HOST[:PORT], mqtts://..., or unix://PATH.
Result<Url> parse_url(std::string_view value);
/// [socks5h://][USER@]HOST[:PORT].
Result<Url> parse_proxy(std::string_view value);

/// A topic name (MQTT 5, section 4.7): not empty, no wildcards. `filter` allows what a subscription
/// may have, wildcards in their places.
using TopicKind = sts::TopicKind;
Result<std::string> parse_topic(std::string_view value, TopicKind kind);

/// The list of `peer`: whether the words in it may stand together, not whether the mode allows
/// them.
Result<std::vector<PeerRef>> parse_peers(std::string_view value);

/// 44 characters of base64.
Result<crypto::Psk> parse_psk(std::string_view value);

/// The fewest insertions, deletions, replacements and swaps of neighbours that make `a` of `b`.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace sts::client
