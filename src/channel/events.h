// What a reader tells of messages and of the broker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "channel/content.h"
#include "channel/names.h"

namespace sts::channel {

/// A message: authentic, of a sender that may write there, for the first time.
struct Delivered {
  crypto::PublicKey sender;
  std::string topic;
  Bytes payload;
  std::uint64_t epoch = 0, counter = 0;
  std::optional<std::uint64_t> time = {};  // milliseconds since 1970 by the sender's clock
  bool retained = false;                   // came because of the subscription: it may be of any age
  bool late = false;                       // after the sender had gone on to its next key
  std::optional<Durable> durable = {};
  std::optional<std::string> content_type = {};
  std::vector<std::pair<std::string, std::string>> user_properties = {};
};

/// What a sender left with the broker for the case that its connection breaks. Only the broker says
/// that it did.
struct Will {
  crypto::PublicKey sender;
  std::string topic;
  Bytes payload;
  bool retained = false;
};

enum class NoticeKind {
  malformed,        // neither key packet, message nor will, or authentic and not understood
  forged,           // under a key of `sender`, and not authentic
  not_signed,       // authentic, but not signed by `sender`: a reader of the channel made it
  forbidden,        // `sender` may not write there
  repeated,         // seen before
  missing,          // `count` messages were sent before this one and have not come
  found,            // `count` of those that were missing have come after all
  durable_missing,  // `count` durable messages were accepted before this one and have not come
  rolled_back,      // the broker retains an older message than it did
  key_missing,      // a key packet of the sender didn't come, nor the end of the epoch before it
  undecryptable,    // `count` messages whose key didn't come
  old_key,  // a key packet from before what is known of `sender`: replayed, or it lost its state
  full,     // `sender` uses more epochs or topics than a reader follows
};

struct Notice {
  NoticeKind kind;
  std::optional<crypto::PublicKey> sender = {};
  std::string topic = {};
  std::uint64_t count = 1;
};

using Event = std::variant<Delivered, Will, Notice>;
using Events = std::vector<Event>;

/// What is known of one sender's messages on one topic.
struct Counts {
  std::uint64_t delivered = 0, missing = 0, repeated = 0, reordered = 0, late = 0, forged = 0,
                rolled_back = 0, resent = 0, durable_missing = 0;
};

struct Report {
  crypto::PublicKey sender;
  std::string topic;
  Counts counts;
};

}  // namespace sts::channel
