// One connection to an MQTT broker, as the client sees it: libmosquitto in the program, a script in
// tests.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "mqtt/message.h"
#include "mqtt/options.h"

namespace sts::mqtt {

/// Numbers a publish until the broker answers it; never 0, never the same twice in one Transport.
using PublishId = std::uint64_t;

/// What CONNACK said (MQTT 5, section 3.2.2.3; under 3.1.1 the defaults).
struct Connected {
  Version version = Version::v5;  // 3.1.1 also where 5 was asked for and the broker refused it
  bool session_present = false;
  /// Publishes unanswered when the last connection ended go on under their ids, else they are
  /// forgotten.
  bool resumed = false;
  std::string assigned_client_id;         // empty: ours
  std::uint32_t maximum_packet_size = 0;  // bytes; 0: no limit
  std::uint16_t receive_maximum = 65535;
  std::uint16_t topic_alias_maximum = 0;
  Qos maximum_qos = Qos::exactly_once;
  bool retain_available = true;
  bool wildcards_available = true;
  bool shared_available = true;
  std::chrono::seconds keep_alive{0};      // the one in force; 0: none
  std::chrono::seconds session_expiry{0};  // the one in force; 3.1.1: as asked for
};

/// What a connection tells its owner, always from the event loop, never from inside a call to
/// Transport. It may call any function of Transport, and may destroy the Transport.
class Handler {
 public:
  virtual ~Handler() = default;
  /// CONNACK said yes.
  virtual void on_connected(const Connected& broker) = 0;
  /// Not connected (any more), and why: name not found, connection refused, certificate refused,
  /// login refused by CONNACK, connection lost. The transport doesn't reconnect by itself.
  /// `Errc::refused` where the broker itself said no, `Errc::bad_input` where the options can't be
  /// used, else `Errc::io`. `connack`: the reason code of a CONNACK that refused, else 0.
  virtual void on_disconnected(const Error& why, int connack) = 0;
  virtual void on_message(Message message) = 0;
  /// The broker took the publish (QoS 1, 2), or the bytes left (QoS 0), or refused it:
  /// `Errc::limit` for its size, else `Errc::refused`.
  virtual void on_published(PublishId id, Result<void> outcome) = 0;
  /// SUBACK: the QoS granted, which may be lower than asked for.
  virtual void on_subscribed(const std::string& filter, Result<Qos> granted) = 0;
  /// UNSUBACK. libmosquitto (2.0) doesn't tell its reason codes: an error is one of ours, and a
  /// broker that went on sending would show it by its messages alone.
  virtual void on_unsubscribed(const std::string& filter, Result<void> outcome) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  /// Starts to connect; the answer comes to the handler. Replaces a connection that exists.
  /// Publishes not yet answered are forgotten without an answer, unless this is the same client's
  /// next connection and options.clean_start is off: Connected::resumed tells.
  virtual void connect(const Options& options) = 0;
  /// Sends DISCONNECT and closes, after what was published has been answered, and calls nobody any
  /// more. Returns at once; where a publish is unanswered the loop must run on for this to happen,
  /// and is kept busy for it, a second at most. A connect under way is given up.
  virtual void disconnect() = 0;
  /// Only while connected, else they do nothing.
  virtual void subscribe(const Subscription& subscription) = 0;
  virtual void unsubscribe(const std::string& filter) = 0;
  /// Fails with Errc::limit where the packet is over the broker's maximum packet size, with
  /// Errc::io where there is no connection, with Errc::bad_input for a topic that can't be
  /// published to or properties that can't be sent.
  virtual Result<PublishId> publish(const Message& message) = 0;
  /// While held, nothing is read from the broker, whose own buffers then fill: for a reader that is
  /// slower than the broker. Some messages, a read's worth, still come. Longer than keep alive
  /// allows ends the connection. A new connection isn't held.
  virtual void hold(bool held) = 0;
  /// Whatever on_message() told so far may be acknowledged: where options.acknowledge_when_taken is
  /// on. Nothing at all is written while one message waits for it, so call it before the broker's
  /// receive maximum is reached. A connection that ends with messages not acknowledged gets them
  /// again, where the session goes on.
  virtual void acknowledge() = 0;
};

}  // namespace sts::mqtt
