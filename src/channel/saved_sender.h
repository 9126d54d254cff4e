// A sender as bytes, for whoever stores it between processes.
#pragma once

#include <optional>
#include <vector>

#include "channel/sender.h"
#include "crypto/wiped.h"

namespace sts::channel {

struct SavedSender {
  Sender::Saved sender;
  /// Came out of begin_epoch(), and it isn't known that the broker has it.
  std::vector<Packet> unconfirmed = {};
};

/// Holds the epoch's key.
crypto::WipedBytes encode(const SavedSender& saved);
/// The whole or nothing.
std::optional<SavedSender> decode_saved_sender(ByteView bytes);

}  // namespace sts::channel
