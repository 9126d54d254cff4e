// What the shell and the client say to one another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "channel/events.h"
#include "client/config.h"
#include "client/received.h"
#include "mqtt/message.h"

namespace sts::client {

enum class State {
  stopped,
  connecting,  // to the broker
  waiting,     // connected; the session with the peer isn't up (nosec never waits)
  up,          // messages can be sent; stays up while the broker is gone for a while
  stopping,    // waits for acknowledgements, then ends the session
};

enum class Level { info, warning, error };

/// One line for people, and how to mend what it tells of; the hint may be empty. Neither holds a
/// secret.
struct Line {
  Level level;
  std::string text;
  std::string hint = {};
  bool relief = false;  // information that a warning before is over, for those who saw that
};

inline Line error_line(const Error& error) { return {Level::error, error.message, error.hint}; }

/// What the client tells. From any of it send() and stop() may be called; start(), and the client's
/// end, only from on_state() and on_room(), which come straight from the event loop.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_log(const Line& line) = 0;
  /// A message came. Its payload is whatever bytes were sent: showing them safely is the observer's
  /// work.
  virtual void on_message(const Received& received) = 0;
  /// A message of this side left: the payload as it went on the wire.
  virtual void on_sent(ByteView wire) = 0;
  /// `failed` says why, where a start failed or a session ended on its own account; it was logged.
  virtual void on_state(State state, const std::optional<Error>& failed) = 0;
  /// After send() said Errc::limit: there is room again.
  virtual void on_room() = 0;
  /// All that is durable was taken: by the peer, on channels by the broker.
  virtual void on_drained() {}
  /// The broker's answer to Messenger::subscribe(), or that there will be none. An error also later
  /// on, where the broker takes the topic away.
  virtual void on_subscribed(const std::string& /*filter*/, const Result<mqtt::Qos>& /*granted*/) {}
  virtual void on_unsubscribed(const std::string& /*filter*/, const Result<void>& /*outcome*/) {}
};

/// A topic filter that is subscribed to.
struct Topic {
  std::string filter;
  mqtt::Qos asked;
  std::optional<mqtt::Qos> granted;  // nullopt: the broker has not answered
};

/// What came on a channel from one sender on one topic, and what the broker did.
struct ChannelReport {
  std::string sender;  // its name in the trust file
  channel::Report counted;
};

/// Who may read what this side publishes on a topic, and whom it believes there.
struct TopicRights {
  struct Who {
    std::string name, fingerprint;
  };
  std::vector<Who> readers, writers;
};

struct PeerStatus {
  std::string name;                      // of the trust file, or empty
  std::string public_key;                // 44 characters
  std::string fingerprint;               // crypto::fingerprint
  Duration age{};                        // of the session's present keys
  std::uint64_t sealed = 0, opened = 0;  // frames, under the session's present keys
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
  std::string protocol;                  // "none", "STS 1 (insecure)", "STS 2", "STS 2 (channels)"
  std::string cipher;                    // what protects messages now, "none" while nothing does
  std::uint64_t sent = 0, received = 0;  // messages, since start
  std::optional<std::uint64_t> outbox;   // where messages are durable: how many wait there
  std::vector<PeerStatus> peers;
  std::vector<ChannelReport> reports;  // of channels, by sender and topic
};

/// What the shell asks of a client; tests of the shell stand in for it.
class Messenger {
 public:
  virtual ~Messenger() = default;

  /// Begins to connect; on_state tells how it goes. An error here is about the config or the files
  /// and nothing was started. `default_timeout` counts where the config has none, and where not
  /// ready() at once; nullopt: wait for ever.
  virtual Result<void> start(Config config, std::optional<Duration> default_timeout) = 0;

  /// Ends the session properly, then the connection; on_state(stopped) follows, bounded in time.
  /// While not ready() it gives up at once. `impatient` skips the wait for acknowledgements.
  virtual void stop(bool impatient) = 0;

  /// Messages can be sent: State::up, or durable ones before that.
  virtual bool ready() const = 0;

  /// In the clear: refused while the session is, or is to be, encrypted.
  virtual Result<void> send(std::string_view text) = 0;
  /// Encrypted: refused where it would not be. Errc::limit where too much is unacknowledged;
  /// on_room() follows.
  virtual Result<void> send_encrypted(std::string_view text) = 0;

  /// To any topic: on channels encrypted for its readers, else in the clear and refused as send()
  /// is. Errc::limit as send_encrypted().
  virtual Result<void> publish_on(const mqtt::Message& message) = 0;
  /// Topics besides the config's own, until it ends; refused in a session of STS or where the
  /// broker isn't connected. on_subscribed() or on_unsubscribed() follows.
  virtual Result<void> subscribe(mqtt::Subscription subscription) = 0;
  virtual Result<void> unsubscribe(const std::string& filter) = 0;
  /// All of them, the config's own too; not where the keys of channels come from.
  virtual std::vector<Topic> topics() const = 0;
  /// Refused but on channels.
  virtual Result<TopicRights> rights(const std::string& topic) const = 0;

  virtual State state() const = 0;
  virtual Status status() const = 0;
};

}  // namespace sts::client
