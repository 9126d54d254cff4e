// A message as the client hands it on.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "channel/content.h"
#include "crypto/keys.h"
#include "mqtt/message.h"

namespace sts::client {

struct Received {
  /// Topic, payload in the clear, QoS, retain and properties. Of an encrypted message the payload
  /// is what the peer sealed, all else what the broker says.
  mqtt::Message message;
  bool encrypted = false;
  bool one_of_many = false;             // the session has several peers
  std::string sender = {};              // the peer's name in the trust file; empty in the clear
  std::string sender_fingerprint = {};  // crypto::fingerprint; empty in the clear
  std::optional<crypto::PublicKey> sender_key = {};
  /// Of a message on a channel: its place among all that its sender sent on the topic.
  struct Number {
    std::uint64_t epoch = 0, counter = 0;
  };
  std::optional<Number> number = {};
  std::optional<channel::Durable> durable = {};   // which of its sender's outbox it is
  std::chrono::system_clock::time_point at = {};  // when it came
  std::optional<std::chrono::system_clock::time_point> sent = {};  // by the sender's clock
  bool late = false;  // the sender had gone on to its next key
  bool will = false;  // what the sender left with the broker for the end of its connection
  /// Not 0: its sender keeps it until Client::taken() is told this place, or a later one.
  std::uint64_t place = 0;
};

}  // namespace sts::client
