#include "channel/live_epochs.h"

#include <algorithm>
#include <set>

#include "channel/limits.h"

namespace sts::channel {

LiveEpoch::Topic& LiveEpoch::topic(std::string_view name) {
  const auto known = topics.find(name);
  if (known != topics.end()) return known->second;
  return topics.emplace(name, Topic{message_key(key, name), TopicWindow(from_start)}).first->second;
}

std::optional<std::uint64_t> LiveEpoch::plausible(std::optional<std::uint64_t> time) const {
  constexpr std::uint64_t usable =
      std::chrono::floor<std::chrono::milliseconds>(reject_after_time).count();
  if (!time || *time < created) return time;
  return *time - created < usable ? time : std::nullopt;
}

LiveEpoch* LiveEpochs::find(const KeyId& id) {
  for (auto& [number, epoch] : epochs_) {
    if (epoch.id == id) return &epoch;
  }
  return nullptr;
}

LiveEpoch* LiveEpochs::find(const StreamId& stream, std::uint64_t number) {
  const auto known = epochs_.find(number);
  return known != epochs_.end() && known->second.stream == stream ? &known->second : nullptr;
}

bool LiveEpochs::is_taken(const Header& header) const {
  const auto floor = floors_.find(header.stream);
  return header.epoch <= floor_ || (floor != floors_.end() && header.epoch <= floor->second) ||
         epochs_.contains(header.epoch);
}

LiveEpochs::Added LiveEpochs::add(LiveEpoch epoch, Instant now) {
  bool followed = false;
  for (auto& [number, other] : epochs_) {
    if (other.stream != epoch.stream) continue;
    followed = followed || number < epoch.number;
    auto& older = number < epoch.number ? other : epoch;
    if (!older.superseded) older.superseded = now;
  }
  const auto number = epoch.number;
  return {&epochs_.emplace(number, std::move(epoch)).first->second, followed};
}

LiveEpochs::ByNumber::iterator LiveEpochs::drop(ByNumber::iterator epoch,
                                                std::vector<KeyId>& dropped) {
  floors_[epoch->second.stream] = epoch->first;
  dropped.push_back(epoch->second.id);
  return epochs_.erase(epoch);
}

void LiveEpochs::drop_unsigned(std::vector<KeyId>& dropped) {
  for (auto at = epochs_.begin(); at != epochs_.end();) {
    at = at->second.signing_key ? std::next(at) : drop(at, dropped);
  }
}

void LiveEpochs::retire(
    Instant now, std::vector<KeyId>& dropped,
    const std::function<bool(const LiveEpoch&, std::string_view topic)>& may_come) {
  // From the lowest of each stream on, so that its floor rises above what is dropped and nothing
  // else.
  std::set<StreamId> kept;
  for (auto at = epochs_.begin(); at != epochs_.end();) {
    const LiveEpoch& epoch = at->second;
    const bool complete =
        epoch.finished && epoch.from_start && std::ranges::all_of(epoch.topics, [&](auto& topic) {
          return topic.second.window.complete() && !may_come(epoch, topic.first);
        });
    const bool over = epoch.superseded && (complete || now - *epoch.superseded >= old_epoch_linger);
    if (over && !kept.contains(epoch.stream)) {
      at = drop(at, dropped);
    } else {
      kept.insert(epoch.stream);
      ++at;
    }
  }
}

bool LiveEpochs::too_many() const { return epochs_.size() > epochs_of_sender; }

bool LiveEpochs::drop_lowest(Instant now, std::vector<KeyId>& dropped) {
  const auto lowest = epochs_.begin();
  const bool in_use = now - lowest->second.taken < reject_after_time;
  const auto stream = lowest->second.stream;
  floor_ = lowest->first;
  drop(lowest, dropped);
  if (std::ranges::none_of(epochs_, [&](auto& one) { return one.second.stream == stream; })) {
    floors_.erase(stream);
  }
  return in_use;
}

}  // namespace sts::channel
