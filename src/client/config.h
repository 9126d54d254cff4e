// A config file: key = value, the reference's keys and ours. sts.conf(5) in docs/man/ is its
// manual.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "crypto/keys.h"
#include "protocol/limits.h"

namespace sts::client {

enum class Mode { nosec, initiator, responder };
enum class Aes { null, ecb, cbc };       // null: STS 2; the others: STS 1
enum class Curve { secp256k1, x25519 };  // STS 1 only

using protocol::Pad;

struct FirstUse {};    // peer = first-use
struct AllTrusted {};  // peer = trusted
/// One entry of `peer = a, b`: a key, a name of the trust file, or one of the two words.
using PeerRef = std::variant<crypto::PublicKey, std::string, FirstUse, AllTrusted>;

struct Config {
  std::string name;  // `name`, else the file's name: what a first-use pin is stored under
  std::string url = "localhost";
  std::uint16_t port = 1883;
  std::string username, password, clientid;
  std::string subtop, pubtop;
  /// What the prologue names where a bridge renames topics; as subtop and pubtop unless set.
  std::string bind_subtop, bind_pubtop;
  Mode mode = Mode::nosec;
  Aes aes = Aes::null;
  Curve curve = Curve::secp256k1;
  std::vector<PeerRef> peers;
  std::optional<crypto::Psk> psk;
  std::optional<std::chrono::seconds> timeout;  // how long `start` waits for the session
  std::chrono::seconds keep_alive{60};          // MQTT's
  std::chrono::seconds heartbeat{60};           // STS 2's PING; 0: none
  std::uint64_t rekey_after_messages = std::uint64_t{1} << 20U;
  std::chrono::seconds rekey_after_time{3600};
  Pad pad = Pad::none;
  /// Not errors, but to be shown at start: for instance a password in a file that others can read.
  std::vector<std::string> warnings;
};

/// Reads and checks a whole file. The error names file, line number and how to mend it:
/// "configs/x:7: unknown key 'foo'".
Result<Config> load_config(const std::string& path);

}  // namespace sts::client
