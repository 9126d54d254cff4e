// What a mode does with the two topics: nosec, STS 1 or STS 2 behind one face. The client owns the
// connection and the clock; a conversation owns the messages.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "client/client.h"
#include "mqtt/transport.h"

namespace sts::client {

/// What a conversation asks of the client. None of it calls back into the conversation.
class Port {
 public:
  virtual ~Port() = default;
  /// On the config's pubtop, not retained. Only between online() and offline().
  virtual Result<mqtt::PublishId> publish(ByteView payload, mqtt::Qos qos) = 0;
  /// For [MQTT_OUT]: a payload with a message of the user's left.
  virtual void sent(ByteView payload) = 0;
  virtual void received(const std::string& peer, ByteView message) = 0;
  virtual void log(Level level, const std::string& line) = 0;
  /// Messages can be sent from now on, or can't any more.
  virtual void up(bool up) = 0;
  /// It is over, on the peer's word or after stop(); `failed` was not logged yet.
  virtual void ended(std::optional<Error> failed) = 0;
  /// After send() said Errc::limit.
  virtual void room() = 0;
  /// So many messages that were accepted will not arrive: to be logged, and the session has failed.
  virtual void given_up(std::size_t messages, const std::string& line) = 0;
};

class Conversation {
 public:
  virtual ~Conversation() = default;

  virtual mqtt::Version version() const { return mqtt::Version::v5; }
  virtual mqtt::Qos qos() const { return mqtt::Qos::at_least_once; }

  /// Connected and subscribed. `max_payload` is in bytes.
  virtual void online(std::size_t max_payload, Instant now) = 0;
  virtual void offline(Instant now) = 0;
  virtual void receive(ByteView payload, Instant now) = 0;
  /// What became of a publish.
  virtual void published(mqtt::PublishId id, const Result<void>& outcome, Instant now) = 0;

  virtual Result<void> send(std::string_view text, bool encrypted, Instant now) = 0;
  /// Ends it properly; ended() follows, for which the client may not wait for ever.
  virtual void stop(Instant now) = 0;
  /// Messages accepted and not known to have arrived.
  virtual std::size_t unacknowledged() const = 0;

  virtual Instant next_deadline() const = 0;
  virtual void advance(Instant now) = 0;

  /// Fills in what only the conversation knows: protocol, cipher, peers.
  virtual void describe(Status& status, Instant now) const = 0;
};

/// nosec: plain MQTT at QoS 1. What the broker didn't acknowledge is sent again after a reconnect.
std::unique_ptr<Conversation> make_plain(Port& port);

/// STS 1, in clear words insecure. Where the build has none of it: an error.
Result<std::unique_ptr<Conversation>> make_legacy(const Config& config, Random& random, Port& port);

/// STS 2. Reads identity and trust file, and makes the identity where there is none.
Result<std::unique_ptr<Conversation>> make_secure(const Config& config, const store::Home& home,
                                                  Random& random, Port& port);

}  // namespace sts::client
