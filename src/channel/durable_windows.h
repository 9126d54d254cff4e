// Which durable numbers of one sender's topic were seen: repeats that came under fresh counters,
// and what is missing.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "base/reader.h"
#include "channel/limits.h"
#include "channel/names.h"
#include "channel/topic_window.h"

namespace sts::channel {

class DurableWindows {
 public:
  /// A sender numbers in one stream at a time; of those before, some may still wait in its outbox.
  TopicWindow& find(const StreamId& stream) {
    for (auto& [name, window] : windows_) {
      if (name == stream) return window;
    }
    if (windows_.size() == durable_streams) windows_.erase(windows_.begin());
    return windows_.emplace_back(stream, TopicWindow(false)).second;
  }

  void put(Bytes& out) const {
    put_varint(out, windows_.size());
    for (const auto& [stream, window] : windows_) {
      append(out, stream.bytes);
      window.put(out);
    }
  }
  static std::optional<DurableWindows> get(sts::Reader& in) {
    DurableWindows out;
    const bool good = in.each(durable_streams, [&] {
      const auto stream = in.array<8>();
      auto window = stream ? TopicWindow::get(in, durable_numbers_end) : std::nullopt;
      if (window) out.windows_.emplace_back(StreamId{*stream}, std::move(*window));
      return window.has_value();
    });
    if (!good) return std::nullopt;
    return out;
  }

 private:
  std::vector<std::pair<StreamId, TopicWindow>> windows_;  // in the order in which they were met
};

}  // namespace sts::channel
