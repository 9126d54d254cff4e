// A session of STS 1 with one peer: docs/sts1.md. Insecure; for talking to the reference
// implementation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "legacy/cipher.h"
#include "legacy/ecdh.h"
#include "legacy/message.h"

namespace sts::legacy {

enum class Role { master, slave };

/// Of a text to send, in bytes: what a payload holds beside the header.
inline constexpr std::size_t max_text = max_payload - enc_header.size();

enum class State {
  idle,        // not started
  setting_up,  // no session that could carry a message
  up,
  ended,  // by KILL of either side, or failed; start() begins anew
};

// What a session asks its owner to do, in this order.

/// Publish on the own topic: QoS 0, not retained.
struct Publish {
  Bytes payload;
};
/// A text of the peer, exactly as it was sent.
struct Deliver {
  Bytes text;
};
/// The peer sent KILL; `ended` follows.
struct Killed {};
struct StateChanged {
  State state;
  std::optional<Error> failed = {};  // where it ended on its own account
};
/// One line for people, without secrets and without anything the peer wrote; and how to mend what
/// it tells of.
struct Note {
  enum class Level { info, warning, error } level;
  std::string text;
  std::string hint = {};
};
using Effect = std::variant<Publish, Deliver, Killed, StateChanged, Note>;
using Effects = std::vector<Effect>;

/// Without I/O and clock: payloads of the peer's topic, texts and the time go in, effects come out.
/// Whoever owns it calls advance() at next_deadline().
class Session {
 public:
  struct Config {
    Role role;
    Aes aes;
    Curve curve = Curve::secp256k1;  // a slave follows its master and ignores it
  };

  /// `random` is not owned and must outlive the session.
  Session(const Config& config, Random& random) : config_(config), random_(random) {}

  /// Once subscribed: a master begins, a slave listens. A session that is there is forgotten,
  /// unsaid to the peer.
  Effects start(Instant now);

  /// A payload from the peer's topic. Never fails: what makes no sense becomes a Note.
  Effects receive(ByteView payload, Instant now);

  /// Errc::refused unless up(); Errc::limit over max_text; Errc::bad_input where `text` has a NUL,
  /// which the padding would eat.
  /// Returns what to publish.
  Result<Bytes> send(std::string_view text);

  /// Ends the session and, where there is one, says so to the peer.
  Effects kill();

  Effects advance(Instant now);
  Instant next_deadline() const { return std::min(retry_at_, settled_at_); }

  State state() const { return state_; }
  bool up() const { return state_ == State::up; }
  /// Of the present session.
  std::optional<Curve> curve() const { return curve_; }

 private:
  /// The set-up message that takes this side further.
  enum class Awaiting { nothing, initreq, initack, keyreq, keyack };

  void on(const InitReq& message, Instant now);
  void on(const InitAck& message, Instant now);
  void on(const KeyReq& message, Instant now);
  void on(const KeyAck& message, Instant now);
  void agree_as_master(const PublicKey& slave, Instant now);
  void agree_as_slave(const PublicKey& master);
  void open(ByteView ciphertext);
  void request_key(Instant now);
  void establish(Cipher cipher, Curve curve, Instant now);
  void reset();
  void end(std::optional<Error> failed);

  void publish(const SetupMessage& message) { effects_.push_back(Publish{encode(message)}); }
  void note(Note::Level level, std::string text, std::string hint = {}) {
    effects_.push_back(Note{level, std::move(text), std::move(hint)});
  }
  void unexpected(std::string_view message);
  void same_role();
  void change(State state);
  Effects take_effects() { return std::exchange(effects_, {}); }

  Config config_;
  Random& random_;
  State state_ = State::idle;
  Awaiting awaiting_ = Awaiting::nothing;
  bool same_role_told_ = false;
  Instant retry_at_ = never;
  Duration retry_after_{};
  /// When the peer is sure to listen with the new key.
  Instant settled_at_ = never;
  std::optional<KeyPair> key_;    // a master's, from its KEYREQ until the slave's
  std::optional<Cipher> agreed_;  // a slave's, from its KEYREQ until KEYACK
  Curve agreed_curve_{};
  std::optional<Cipher> cipher_;  // of the present session
  std::optional<Curve> curve_;
  Effects effects_;
};

}  // namespace sts::legacy
