// The client: carries out on a broker what a config asks for. The shell sits on it.
#pragma once

#include <asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "client/config.h"
#include "mqtt/transport.h"
#include "store/home.h"

namespace sts::client {

enum class State {
  stopped,
  connecting,  // to the broker
  waiting,     // connected; the session with the peer isn't up (nosec never waits)
  up,          // messages can be sent; stays up while the broker is gone for a while
  stopping,    // waits for acknowledgements, then ends the session
};

enum class Level { info, warning, error };

/// What the client tells. Texts are one line, for people, and hold no secret. From any of it send()
/// and stop() may be called; start(), and the client's end, only from on_state() and on_room(),
/// which come straight from the event loop.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_log(Level level, const std::string& line) = 0;
  /// A message from the peer. `peer` is its name, empty where there is only one or none (nosec).
  /// `message` is whatever bytes the peer sent: showing them safely is the observer's work.
  virtual void on_message(const std::string& peer, ByteView message) = 0;
  /// A message of this side left: the payload as it went on the wire.
  virtual void on_sent(ByteView wire) = 0;
  /// `failed` says why, where a start failed or a session ended on its own account; it was logged.
  virtual void on_state(State state, const std::optional<Error>& failed) = 0;
  /// After send() said Errc::limit: there is room again.
  virtual void on_room() = 0;
};

struct PeerStatus {
  std::string name;                      // of the trust file, or empty
  std::string public_key;                // 44 characters
  std::string fingerprint;               // crypto::fingerprint
  Duration age{};                        // of the session's present keys
  std::uint64_t sealed = 0, opened = 0;  // counters of the session's present keys
  std::uint64_t unacknowledged = 0;      // messages
  bool up = false;
};

/// The truth for `status`; never a password or key of ours.
struct Status {
  State state = State::stopped;
  bool broker_connected = false;
  std::string config, mode, url, username, clientid, subtop, pubtop;
  std::uint16_t port = 0;
  std::string mqtt_version;              // "5" or "3.1.1"
  std::string protocol;                  // "none", "STS 1 (insecure)", "STS 2"
  std::string cipher;                    // what protects messages now, "none" while nothing does
  std::uint64_t sent = 0, received = 0;  // messages, since start
  std::vector<PeerStatus> peers;
};

/// What the shell asks of a client; tests of the shell stand in for it.
class Messenger {
 public:
  virtual ~Messenger() = default;

  /// Begins to connect; on_state tells how it goes. An error here is about the config or the files
  /// and nothing was started. `default_timeout` counts where the config has none; nullopt: wait for
  /// ever.
  virtual Result<void> start(Config config, std::optional<Duration> default_timeout) = 0;

  /// Ends the session properly, then the connection; on_state(stopped) follows, bounded in time.
  /// While connecting or waiting it gives up at once. `impatient` skips the wait for
  /// acknowledgements.
  virtual void stop(bool impatient) = 0;

  /// In the clear: refused while the session is, or is to be, encrypted.
  virtual Result<void> send(std::string_view text) = 0;
  /// Encrypted: refused where it would not be. Errc::limit where too much is unacknowledged;
  /// on_room() follows.
  virtual Result<void> send_encrypted(std::string_view text) = 0;

  virtual State state() const = 0;
  virtual Status status() const = 0;
};

/// Makes the connection to the broker; tests make another one.
using MakeTransport = std::function<std::unique_ptr<mqtt::Transport>(mqtt::Handler&)>;
/// Tells the time; tests move one by hand.
using Clock = std::function<Instant()>;

class Client : public Messenger {
 public:
  /// None of the references is owned; all must outlive the client.
  Client(asio::io_context& loop, const store::Home& home, Random& random, Observer& observer);
  Client(asio::io_context& loop, const store::Home& home, Random& random, Observer& observer,
         const MakeTransport& make_transport, Clock clock);
  ~Client() override;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Result<void> start(Config config, std::optional<Duration> default_timeout) override;
  void stop(bool impatient) override;
  Result<void> send(std::string_view text) override;
  Result<void> send_encrypted(std::string_view text) override;
  State state() const override;
  Status status() const override;

  /// When something is due next, `never` for not by itself; and doing what is due. The client has a
  /// timer on the loop for it, so only who moves the clock by hand needs to call them.
  Instant next_deadline() const;
  void advance();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sts::client
