// What a mode does with its topics: nosec, STS 1, STS 2 or channels behind one face. The client
// owns the connection and the clock; a conversation owns the messages.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "client/config.h"
#include "client/messenger.h"
#include "client/timer.h"
#include "mqtt/transport.h"
#include "store/home.h"

namespace sts::client {

/// What a conversation asks of the client. None of it calls back into the conversation.
class Port {
 public:
  virtual ~Port() = default;
  /// Only between online() and offline().
  virtual Result<mqtt::PublishId> publish(const mqtt::Message& message) = 0;
  /// For [MQTT_OUT]: a payload with a message of the user's left.
  virtual void sent(ByteView payload) = 0;
  /// The time of it is the client's to fill in.
  virtual void received(Received received) = 0;
  virtual void log(const Line& line) = 0;
  /// Something more to listen to, that is none of the user's topics.
  virtual void listen(mqtt::Subscription subscription) = 0;
  virtual void unlisten(const std::string& filter) = 0;
  /// As Uplink::reconnect.
  virtual void reconnect() = 0;
  /// Messages can be sent from now on, or can't any more.
  virtual void up(bool up) = 0;
  /// It is over, on the peer's word or after stop(); `failed` was not logged yet.
  virtual void ended(std::optional<Error> failed) = 0;
  /// After send() said Errc::limit.
  virtual void room() = 0;
  /// All that is durable was taken: by the peer, on channels by the broker.
  virtual void drained() = 0;
  /// So many messages that were accepted will not arrive: to be logged, and the session has failed.
  virtual void given_up(std::size_t messages, const Error& why) = 0;
};

class Conversation {
 public:
  virtual ~Conversation() = default;

  virtual mqtt::Version version() const { return mqtt::Version::v5; }
  virtual mqtt::Qos qos() const { return mqtt::Qos::at_least_once; }

  /// What it listens to besides the config's subtop, in this order.
  virtual std::vector<mqtt::Subscription> subscriptions() const { return {}; }
  /// The user wants another topic, for which `subscription` may be changed, or one less.
  virtual Result<void> follow(mqtt::Subscription& /*subscription*/) { return fixed_topics(); }
  virtual Result<void> unfollow(const std::string& /*filter*/) { return fixed_topics(); }
  /// Whether a filter is one of the user's.
  virtual bool follows(const std::string& /*filter*/) const { return true; }
  virtual Result<TopicRights> rights(const std::string& /*topic*/) const {
    return fail(Errc::refused, "only channels have readers", "'start' a config with channels");
  }

  /// About to connect. Where messages are encrypted, without a will unless it is set here.
  virtual void connecting(mqtt::Options& /*options*/) {}
  /// Connected and subscribed. `max_payload` is in bytes; `resumed` as in mqtt::Connected.
  virtual void online(std::size_t max_payload, bool resumed, Instant now) = 0;
  virtual void offline(Instant now) = 0;
  virtual void receive(mqtt::Message message, Instant now) = 0;
  /// The broker's answers to Port::listen() and unlisten(), on each connection.
  virtual void listening(const std::string& /*filter*/, const Result<mqtt::Qos>& /*granted*/) {}
  virtual void unlistened(const std::string& /*filter*/) {}
  /// What became of a publish.
  virtual void published(mqtt::PublishId id, const Result<void>& outcome, Instant now) = 0;

  /// Whether send() and publish() take messages before it is online, since they outlive the
  /// process.
  virtual bool accepts_offline() const { return false; }
  virtual Result<void> send(std::string_view text, bool encrypted, Instant now) = 0;
  /// To any topic, as Messenger::publish_on.
  virtual Result<void> publish(const mqtt::Message& /*message*/, Instant /*now*/) {
    return fail(Errc::refused, "this session is encrypted: nothing goes out in the clear",
                "use sendenc, or a session with sts_mode = nosec");
  }
  /// Whoever was handed messages up to this Received::place won't lose them.
  virtual void taken(std::uint64_t /*place*/, Instant /*now*/) {}
  /// The same of messages that Config::inbox is to hold from now on. On an error they are not
  /// taken.
  virtual Result<void> take(std::uint64_t /*place*/,
                            std::span<const store::Inbox::Message> /*rows*/, Instant /*now*/) {
    return {};
  }
  /// Ends it properly; ended() follows, for which the client may not wait for ever.
  virtual void stop(Instant now) = 0;
  /// Messages accepted and not known to have arrived.
  virtual std::size_t unacknowledged() const = 0;
  /// What to say of so many where they are in the outbox, which outlives this process.
  virtual std::optional<Error> kept(std::size_t /*messages*/) const { return std::nullopt; }

  virtual Instant next_deadline() const = 0;
  virtual void advance(Instant now) = 0;

  /// What to do where no peer came yet: about what went wrong last, as far as it knows.
  virtual std::string no_session_hint() const { return {}; }

  /// Fills in what only the conversation knows: protocol, cipher, peers.
  virtual void describe(Status& status, Instant now) const = 0;

 private:
  static Result<void> fixed_topics() {
    return fail(Errc::refused, "this session is encrypted: its topics are the config's",
                "'connect' opens one in the clear, where topics can be chosen");
  }
};

/// This side's identity, which is made where there is none, and that told.
Result<crypto::KeyPair> own_identity(const store::Home& home, Random& random, Port& port);

/// nosec: plain MQTT at QoS 1. What the broker didn't acknowledge is sent again after a reconnect.
std::unique_ptr<Conversation> make_plain(const Config& config, Port& port);

/// STS 1, in clear words insecure. Where the build has none of it: an error.
Result<std::unique_ptr<Conversation>> make_legacy(const Config& config, Random& random, Port& port);

/// STS 2. Reads identity and trust file, and makes the identity where there is none.
Result<std::unique_ptr<Conversation>> make_secure(asio::io_context& loop, const Config& config,
                                                  const store::Home& home, Random& random,
                                                  Clock clock, Port& port);

/// Channels: what is published is sealed for its readers, what comes opened. Reads and makes as
/// make_secure. The references must outlive it.
Result<std::unique_ptr<Conversation>> make_channel(asio::io_context& loop, const Config& config,
                                                   const store::Home& home, Random& random,
                                                   Clock clock, Port& port);

}  // namespace sts::client
