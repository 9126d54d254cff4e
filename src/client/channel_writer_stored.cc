// The senders that outlive the process: each call is one change to the state, and nothing that was
// sealed is let out before that is committed.
#include <algorithm>
#include <utility>

#include "client/channel_writer.h"

namespace sts::client {

using channel::Packet;

Result<ChannelWriter::Senders> ChannelWriter::load(store::State::Change& change) {
  auto rows = change.senders();
  if (!rows) return tl::unexpected(rows.error());
  Senders out;
  const auto now = now_ms();
  for (auto& [name, bytes, ours] : *rows) {
    auto saved = channel::decode_saved_sender(bytes);
    if (!saved) continue;  // of another version of sts: a new stream is begun
    // A key of the future is one of a clock that was wrong, one of a copied file another's too:
    // due.
    Duration age = channel::reject_after_time;
    if (const auto& epoch = saved->sender.epoch; ours && epoch && epoch->created <= now) {
      age = std::min<Duration>(age, std::chrono::milliseconds(now - epoch->created));
    }
    out.emplace(std::move(name),
                StoredSender{channel::Sender(*identity_, options_.sender, random_,
                                             std::move(saved->sender), clock_(), age),
                             std::move(saved->unconfirmed), age == channel::reject_after_time});
  }
  return out;
}

Result<void> ChannelWriter::save(store::State::Change& change, const Senders& senders) {
  for (const auto& [name, open] : senders) {
    channel::SavedSender saved{open.sender.save(), open.unconfirmed};
    if (!saved.sender.epoch && saved.sender.packets.empty() && saved.unconfirmed.empty()) {
      if (auto removed = change.remove_sender(name); !removed) return removed;
      continue;
    }
    if (auto put = change.put_sender(name, encode(saved)); !put) return put;
  }
  return {};
}

void ChannelWriter::supersede(Senders& senders, std::string_view topic) {
  for (auto& [name, open] : senders) {
    std::erase_if(open.unconfirmed, [&](const auto& packet) { return packet.topic == topic; });
  }
}

void ChannelWriter::publish(Senders& senders, StoredSender& open, std::vector<Packet> packets) {
  for (auto& packet : packets) {
    supersede(senders, packet.topic);
    open.unconfirmed.push_back(std::move(packet));
  }
}

Result<ChannelWriter::StoredSender*> ChannelWriter::ready(Senders& senders, const ReaderSetId& name,
                                                          const Readers& readers,
                                                          store::State::Change& change,
                                                          std::uint64_t above) {
  StoredSender& open =
      senders.try_emplace(name, StoredSender{channel::Sender(*identity_, options_.sender, random_)})
          .first->second;
  open.outdated = false;
  if (!open.sender.epoch_due(clock_()) && open.sender.epoch() > above) return &open;
  auto packets = begin_epoch(open.sender, readers, change);
  if (!packets) return tl::unexpected(packets.error());
  publish(senders, open, std::move(*packets));
  return &open;
}

Result<void> ChannelWriter::move_retained(Senders& senders, store::State::Change& change) {
  std::vector<std::pair<ReaderSetId, std::string>> moving;
  for (const auto& [name, open] : senders) {
    for (const auto& [topic, kept] : open.sender.retained()) {
      if (reader_set_id(readers_of(topic)) != name) moving.emplace_back(name, topic);
    }
  }
  for (const auto& [name, topic] : moving) {
    const auto readers = readers_of(topic);
    auto& from = senders.at(name);
    if (!readers.empty()) {
      const auto& kept = from.sender.retained().at(topic);
      auto to = ready(senders, reader_set_id(readers), readers, change, kept.origin.epoch);
      if (!to) return tl::unexpected(to.error());
      auto packet = (*to)->sender.adopt(topic, kept, clock_());
      if (!packet) continue;  // it stays where it is, under its old key
      publish(senders, **to, {std::move(*packet)});
    } else {
      supersede(senders, topic);
    }
    from.sender.forget_retained(topic);
  }
  return {};
}

Result<void> ChannelWriter::end_unused(Senders& senders, const ReaderSetId& present,
                                       store::State::Change& change) {
  for (auto& [name, open] : senders) {
    const auto topics = open.sender.topics();
    const bool used = read_by(name, topics);
    if (name == present || !open.sender.has_epoch() || (used && !open.outdated)) continue;
    // Whoever may still read what it was used on is told how it ended.
    const auto told =
        std::ranges::find_if(topics, [&](const auto& topic) { return !readers_of(topic).empty(); });
    if (told != topics.end()) {
      auto packets = begin_epoch(open.sender, readers_of(*told), change);
      if (!packets) return tl::unexpected(packets.error());
      publish(senders, open, std::move(*packets));
    }
    // Beside what they remove, which may hold the end and has to be seen first.
    std::ranges::move(open.sender.clear(), std::back_inserter(open.unconfirmed));
  }
  return {};
}

std::vector<Packet> ChannelWriter::unpublished(const Senders& senders) const {
  // Keys before what they open, and removals when nothing needs them any more.
  const auto rank = [&](const Packet& packet) {
    if (packet.payload.empty()) return 2;
    return channel::sender_of_key_topic(options_.sender.key_prefix, packet.topic) ? 0 : 1;
  };
  std::vector<Packet> out;
  for (const auto& [name, open] : senders) {
    std::ranges::copy_if(open.unconfirmed, std::back_inserter(out),
                         [&](const auto& packet) { return !published_.contains(packet); });
  }
  std::ranges::stable_sort(out, {}, rank);
  return out;
}

Result<Bytes> ChannelWriter::seal_stored(const mqtt::Message& clear, const How& how,
                                         std::vector<Packet>& before) {
  auto change = begin();
  if (!change) return tl::unexpected(change.error());
  auto senders = load(*change);
  if (!senders) return tl::unexpected(senders.error());
  if (auto moved = move_retained(*senders, *change); !moved) return tl::unexpected(moved.error());
  const auto readers = readers_of(clear.topic);
  const auto name = reader_set_id(readers);
  auto open = ready(*senders, name, readers, *change);
  if (!open) return tl::unexpected(open.error());
  if (auto ended = end_unused(*senders, name, *change); !ended) {
    return tl::unexpected(ended.error());
  }
  auto sealed = seal_content((*open)->sender, clear, how);
  if (!sealed) return sealed;
  if (clear.retain) supersede(*senders, clear.topic);
  auto keys = (*open)->sender.keys();
  const auto key = keys.front().topic;
  const auto more = unpublished(*senders);
  if (auto saved = save(*change, *senders); !saved) return tl::unexpected(saved.error());
  if (auto done = change->commit(); !done) return tl::unexpected(done.error());
  // A broker that has crashed, or is another one, doesn't have the keys, and nobody would open what
  // comes: each process publishes them.
  published_.insert(more.begin(), more.end());
  std::erase_if(keys, [&](const auto& packet) { return published_.contains(packet); });
  if (std::exchange(told_[name], key) != key) move_to(before, std::move(keys));
  move_to(before, more);
  return sealed;
}

Result<std::vector<Packet>> ChannelWriter::tell_stored() {
  std::vector<Packet> out;
  if (told_.empty()) return out;
  auto change = begin();
  if (!change) return tl::unexpected(change.error());
  auto senders = load(*change);
  if (!senders) return tl::unexpected(senders.error());
  for (auto& [name, key] : told_) {
    const auto open = senders->find(name);
    auto keys = open != senders->end() ? open->second.sender.keys() : std::vector<Packet>();
    if (keys.empty()) continue;
    key = keys.front().topic;
    move_to(out, std::move(keys));
  }
  return out;
}

Result<void> ChannelWriter::confirm() {
  const auto published = std::exchange(published_, {});
  if (published.empty()) return {};
  auto change = begin();
  if (!change) return tl::unexpected(change.error());
  auto senders = load(*change);
  if (!senders) return tl::unexpected(senders.error());
  for (auto& [name, open] : *senders) {
    std::erase_if(open.unconfirmed, [&](const auto& packet) { return published.contains(packet); });
  }
  if (auto saved = save(*change, *senders); !saved) return saved;
  return change->commit();
}

}  // namespace sts::client
