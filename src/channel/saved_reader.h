// What a reader remembers of a sender as bytes, for whoever stores it between processes.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"
#include "channel/sender_memory.h"
#include "crypto/keys.h"
#include "crypto/wiped.h"

namespace sts::channel {

/// A moment by both clocks: the one that ages keys, which begins anew with each start of the
/// machine, and the time of day in milliseconds since 1970, which may be wrong.
struct Moment {
  Instant now;
  std::uint64_t time = 0;
};

/// Holds epochs' keys.
crypto::WipedBytes encode(const crypto::PublicKey& sender, const SenderMemory& memory,
                          const Moment& at);
/// The whole or nothing; nothing, too, where it is of another sender. Keys that were superseded
/// linger as long as they would have: time without a process doesn't count, since what was sent
/// meanwhile waits at the broker.
std::optional<SenderMemory> decode_memory(const crypto::PublicKey& sender, ByteView bytes,
                                          const Moment& at);

}  // namespace sts::channel
