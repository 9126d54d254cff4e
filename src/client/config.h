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
#include "base/time.h"
#include "channel/names.h"
#include "crypto/keys.h"
#include "mqtt/options.h"
#include "protocol/limits.h"
#include "store/inbox.h"
#include "store/outbox.h"
#include "store/peers.h"

namespace sts::client {

enum class Mode { nosec, initiator, responder, channel };
enum class Aes { null, ecb, cbc };       // null: STS 2; the others: STS 1
enum class Curve { secp256k1, x25519 };  // STS 1 only

using protocol::Pad;

struct FirstUse {};    // peer = first-use
struct AllTrusted {};  // peer = trusted
/// One entry of `peer = a, b`: a key, a name of the trust file, or one of the two words.
using PeerRef = std::variant<crypto::PublicKey, std::string, FirstUse, AllTrusted>;

struct Config {
  std::string name;      // `name`, else the file's name: what a first-use pin is stored under
  mqtt::Options broker;  // and the way to it
  /// The key `port`, and the port in `url`: where neither is, TLS decides. 0 for a Unix socket.
  std::optional<std::uint16_t> port, url_port;
  bool retry = false;  // the very first connection too
  std::string subtop, pubtop;
  std::optional<mqtt::Qos> qos;  // nullopt: the default, see qos_of()
  /// What the prologue names where a bridge renames topics; as subtop and pubtop unless set.
  std::string bind_subtop, bind_pubtop;
  Mode mode = Mode::nosec;
  bool mode_given = false;  // by a line sts_mode, so that nosec is somebody's word
  /// Of channels: the filters to read, and what counts besides the trust file's rights.
  std::vector<std::string> channels;
  store::PeerRights rights;
  bool sign = false;
  std::string key_prefix{channel::default_key_prefix};
  Aes aes = Aes::null;
  Curve curve = Curve::secp256k1;
  std::vector<PeerRef> peers;
  std::string peer_line;  // where `peer` stands, as "configs/x:7"
  std::optional<crypto::Psk> psk;
  std::optional<std::chrono::seconds> timeout;  // how long `start` waits for the session
  /// How often to show that nothing is missing, 0: not at all; nullopt: 60 s in sessions (PING).
  std::optional<std::chrono::seconds> heartbeat = {};
  std::uint64_t rekey_after_messages = std::uint64_t{1} << 20U;
  std::chrono::seconds rekey_after_time{3600};
  Pad pad = Pad::none;
  bool durable = false;  // what is sent goes through the outbox
  store::OutboxOptions outbox;
  /// Set: where messages of a session that are durable are taken to, with Client::take().
  std::optional<store::Inbox::Options> inbox;
  /// Set: an invite's session (client/invite.h), and what its peer is allowed when it is pinned.
  std::optional<store::Rights> invite;
  Instant invite_end = never;  // by the client's clock; from then on it answers nobody
  bool stays = false;  // a responder whose only peer ended the session waits for the next one
  /// Not errors, but to be shown at start: for instance a password in a file that others can read.
  std::vector<std::string> warnings;
};

/// How long a broker keeps the session of who has nothing else that makes up for a lost connection.
constexpr std::chrono::seconds kept_session{300};

/// At which messages go and come; STS 1 alone always has 0.
inline mqtt::Qos qos_of(const Config& config) {
  return config.qos.value_or(mqtt::Qos::at_least_once);
}

/// Reads and checks a whole file. The error names file, line number and how to mend it:
/// "configs/x:7: unknown key 'foo'".
Result<Config> load_config(const std::string& path);

/// The same file format for one-shot commands, on top of `defaults`. Without `sts_mode` nothing has
/// to be there, and complete_broker() is left to the caller, who may have more to set.
Result<Config> load_profile(const std::string& path, Config defaults);

/// Fills in of `config.broker` what depends on several keys, and refuses what doesn't fit together.
Result<void> complete_broker(Config& config);

}  // namespace sts::client
