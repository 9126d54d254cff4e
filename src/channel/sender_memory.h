// What a reader remembers of one sender: all of it that outlives the process.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "channel/durable_windows.h"
#include "channel/events.h"
#include "channel/live_epochs.h"
#include "channel/retained_memory.h"

namespace sts::channel {

/// Of one topic, whatever the epoch.
struct TopicRecord {
  std::uint64_t epoch = 0;  // the highest that it was used in
  Counts counts = {};
  RetainedMemory retained = {};
  DurableWindows durable = {};
  std::optional<ConnectionId> online = {};  // the sender's last connection, by its own word
  std::pair<std::uint64_t, std::uint64_t> online_at = {};  // epoch and counter: whatever its stream
  std::vector<ConnectionId> wills = {};                    // shown, the last of them
};

/// How an epoch ended whose key didn't come, or that isn't known from its start.
struct LostEpoch {
  Finals finals;
  bool told = false;
};

struct SenderMemory {
  // Once it has signed. A key without would let its readers speak as the sender, on any topic.
  bool must_sign = false;
  LiveEpochs epochs = {};
  std::vector<LostEpoch> lost = {};
  std::map<std::string, TopicRecord, std::less<>> topics = {};
};

}  // namespace sts::channel
