// A message as the client hands it on.
#pragma once

#include <chrono>
#include <optional>
#include <string>

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
  std::chrono::system_clock::time_point at = {};                   // when it came
  std::optional<std::chrono::system_clock::time_point> sent = {};  // by the sender's clock
  bool late = false;  // the sender had gone on to its next key
  bool will = false;  // what the sender left with the broker for the end of its connection
  /// Not 0: its sender keeps it until Client::taken() is told this place, or a later one.
  std::uint64_t place = 0;
};

}  // namespace sts::client
