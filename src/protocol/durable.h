// Messages that a sender's disk holds until the receiver's does (docs/protocol.md, "Durable
// messages"). The stream brings them in order; the numbers outlive both processes.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "protocol/record.h"

namespace sts::protocol {

/// Where a message stands in the sender's queue for this receiver.
struct DurableNumber {
  StreamId queue;            // random, of the queue as long as it exists
  std::uint64_t number = 0;  // counts the queue's messages
  std::uint64_t gap = 0;     // so many right before it won't come (any more)
  friend bool operator==(const DurableNumber&, const DurableNumber&) = default;
};

/// All of the queue below `next` is on the receiver's disk.
struct DurableTaken {
  StreamId queue;
  std::uint64_t next = 0;
  friend bool operator==(const DurableTaken&, const DurableTaken&) = default;
};

/// What a receiver that has taken all below `next` does with a message.
enum class DurableVerdict {
  take,    // and `next` is then one above its number
  repeat,  // it was taken: that is to be told again
  early,   // some before it come once the sender begins again from what wasn't taken
};
DurableVerdict judge(const DurableNumber& number, std::uint64_t next);

/// The body of DURABLE.
Bytes encode_durable(const DurableNumber& number, ByteView message);
struct Durable {
  DurableNumber number;
  ByteView message;
};
std::optional<Durable> decode_durable(ByteView body);

/// The body of TAKEN.
Bytes encode_taken(const DurableTaken& taken);
std::optional<DurableTaken> decode_taken(ByteView body);

}  // namespace sts::protocol
