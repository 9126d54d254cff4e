// Which durable numbers of one sender's topic were seen: repeats that came under fresh counters,
// and what is missing.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "base/reader.h"
#include "channel/content.h"
#include "channel/limits.h"
#include "channel/topic_window.h"

namespace sts::channel {

class DurableWindows {
 public:
  /// nullopt where it came before, or so long ago that it can't be told. `retained`: it came
  /// because of the subscription, so what was accepted before it may still be on its way.
  std::optional<TopicWindow::Change> take(const Durable& durable, bool retained) {
    auto& window = find(durable.stream);
    if (!window.is_new(durable.number)) return std::nullopt;
    if (!retained) return window.mark_live(durable.number);
    return TopicWindow::Change{.found = window.mark_retained(durable.number)};
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
  /// A sender numbers in one stream at a time; of those before, some may still wait in its outbox.
  TopicWindow& find(const StreamId& stream) {
    for (auto& [name, window] : windows_) {
      if (name == stream) return window;
    }
    if (windows_.size() == durable_streams) windows_.erase(windows_.begin());
    return windows_.emplace_back(stream, TopicWindow(false)).second;
  }

  std::vector<std::pair<StreamId, TopicWindow>> windows_;  // in the order in which they were met
};

}  // namespace sts::channel
