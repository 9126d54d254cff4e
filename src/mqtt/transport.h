// One connection to an MQTT broker, as the client sees it: libmosquitto in the program, a script in
// tests.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace sts::mqtt {

enum class Version { v3_1_1, v5 };
enum class Qos : std::uint8_t { at_most_once = 0, at_least_once = 1, exactly_once = 2 };

/// What CONNECT carries and where it goes.
struct Options {
  std::string host = "localhost";
  std::uint16_t port = 1883;
  std::string client_id;                // empty: the broker or the library chooses one
  std::string username, password;       // a password counts only with a user name
  std::chrono::seconds keep_alive{60};  // 0: none; else 5 at least, 65535 at most
  Version version = Version::v5;        // the highest to try
  /// How long name look-up, TCP and CONNECT together may take until connect() is given up.
  std::chrono::milliseconds connect_timeout{10'000};
};

struct Message {
  std::string topic;
  Bytes payload;
  Qos qos = Qos::at_most_once;
  bool retain = false;  // incoming: the broker had stored it, so it may be stale
};

/// Numbers a publish until the broker answers it; never 0, never the same twice in one Transport.
using PublishId = std::uint64_t;

/// What a connection tells its owner, always from the event loop, never from inside a call to
/// Transport. It may call any function of Transport, and may destroy the Transport.
class Handler {
 public:
  virtual ~Handler() = default;
  /// CONNACK said yes. `version` is 3.1.1 also where 5 was asked for and the broker doesn't know
  /// it. `maximum_packet_size` is in bytes, 0 where the broker named none.
  virtual void on_connected(Version version, std::uint32_t maximum_packet_size) = 0;
  /// Not connected (any more), and why: name not found, connection refused, login refused by
  /// CONNACK, connection lost. The transport doesn't reconnect by itself. `Errc::refused` where the
  /// broker itself said no, `Errc::bad_input` where the options can't be sent, else `Errc::io`.
  virtual void on_disconnected(const Error& why) = 0;
  virtual void on_message(Message message) = 0;
  /// The broker took the publish (QoS 1, 2), or the bytes left (QoS 0), or refused it:
  /// `Errc::limit` for its size, else `Errc::refused`.
  virtual void on_published(PublishId id, Result<void> outcome) = 0;
  /// SUBACK for `topic`; a lower QoS than asked for is a success.
  virtual void on_subscribed(const std::string& topic, Result<void> outcome) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  /// Starts to connect, cleanly (no session is resumed); the answer comes to the handler. Replaces
  /// a connection that exists. Publishes not yet answered are forgotten without an answer.
  virtual void connect(const Options& options) = 0;
  /// Sends DISCONNECT and closes, after what was published has been answered, and calls nobody any
  /// more. Returns at once; where a publish is unanswered the loop must run on for this to happen,
  /// and is kept busy for it, a second at most. A connect under way is given up.
  virtual void disconnect() = 0;
  /// Only while connected, else it does nothing. Under MQTT 5 the broker doesn't send us what we
  /// published ourselves; 3.1.1 has no such option.
  virtual void subscribe(const std::string& topic, Qos qos) = 0;
  /// Fails with Errc::limit where the packet is over the broker's maximum packet size, with
  /// Errc::io where there is no connection, with Errc::bad_input for a topic that can't be
  /// published to.
  virtual Result<PublishId> publish(const std::string& topic, ByteView payload, Qos qos,
                                    bool retain) = 0;
};

}  // namespace sts::mqtt
