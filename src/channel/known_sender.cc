#include "channel/known_sender.h"

#include <algorithm>
#include <utility>

namespace sts::channel {

KnownSender::KnownSender(const crypto::PublicKey& key, crypto::Secret<32> shared,
                         std::optional<crypto::Psk> psk)
    : key_(key), shared_(std::move(shared)), psk_(std::move(psk)) {}

void KnownSender::notice(NoticeKind kind, std::string_view topic, Events& out,
                         std::uint64_t count) const {
  out.emplace_back(Notice{kind, key_, std::string(topic), count});
}

TopicRecord* KnownSender::record_of(std::string_view topic, std::uint64_t epoch, Events& out) {
  auto& topics = memory_.topics;
  auto known = topics.find(topic);
  if (known == topics.end()) {
    if (topics.size() == topics_of_sender) {
      const auto oldest =
          std::ranges::min_element(topics, {}, [](auto& one) { return one.second.epoch; });
      if (oldest->second.epoch >= epoch) {
        notice(NoticeKind::full, topic, out);
        return nullptr;
      }
      notice(NoticeKind::full, oldest->first, out);
      for (auto& [number, other] : memory_.epochs) {
        const auto at = other.topics.find(oldest->first);
        if (at != other.topics.end()) at->second.record = nullptr;
      }
      topics.erase(oldest);
    }
    known = topics.emplace(topic, TopicRecord{}).first;
  }
  known->second.epoch = std::max(known->second.epoch, epoch);
  return &known->second;
}

LiveEpoch::Topic* KnownSender::topic_of(LiveEpoch& epoch, std::string_view topic, Events& out) {
  if (epoch.topics.size() < topics_of_sender || epoch.topics.contains(topic)) {
    return &epoch.topic(topic);
  }
  notice(NoticeKind::full, topic, out);
  return nullptr;
}

const LiveEpoch* KnownSender::take(const KeyPacket& packet, const crypto::KeyPair& self,
                                   bool retained, Instant now, const Subscribed& subscribed,
                                   std::vector<KeyId>& dropped, Events& out) {
  auto& epochs = memory_.epochs;
  const Header& header = packet.header;
  // One that comes again, which whoever recorded it can see to, costs no Diffie-Hellman.
  if (const auto* known = epochs.find(header.stream, header.epoch);
      known != nullptr && key_id(known->key, packet.header_bytes) == known->id) {
    return nullptr;
  }
  const WrapContext who{self, key_, shared_, psk_ ? &*psk_ : nullptr};
  std::optional<NoticeKind> refused;
  if (epochs.is_taken(header)) {
    refused = NoticeKind::old_key;
  } else if (memory_.must_sign && !header.signing_key) {
    refused = NoticeKind::not_signed;
  }
  auto& tries = refused ? refused_tries_ : tries_;
  std::optional<EpochKey> key;
  for (const auto wrap : find_wraps(packet, who)) {  // none: it is for other readers
    if (!tries.take(now)) return nullptr;
    if (auto opened = open_wrap(wrap, packet.header_bytes, who)) {
      key = std::move(*opened);
      break;
    }
    notice(NoticeKind::forged, {}, out);
  }
  if (!key) return nullptr;

  if (refused) {
    notice(*refused, {}, out);
    return nullptr;
  }
  tries_.give_back();
  const KeyId id = key_id(*key, packet.header_bytes);
  LiveEpoch* before = header.before ? epochs.find(header.before->key) : nullptr;
  LiveEpoch made{std::move(*key),   id, header.stream, header.epoch, header.created,
                 header.signing_key};
  if (header.before) made.before = header.before->key;
  made.taken = now;
  made.from_start = !retained;
  const auto [epoch, followed] = epochs.add(std::move(made), now);
  for (auto& [number, other] : epochs) {
    if (other.before == id || (&other == epoch && before != nullptr)) {
      due_from_start(other, subscribed, out);
    }
  }
  if (before != nullptr) {
    finish(*before, *header.before, false, subscribed, out);
  } else if (header.before) {
    lose(*header.before, followed, subscribed, out);
  }
  find_lost(*epoch, subscribed, out);
  if (header.signing_key && !std::exchange(memory_.must_sign, true)) epochs.drop_unsigned(dropped);
  epochs.retire(now, dropped, [this](const LiveEpoch& one, std::string_view topic) {
    return may_leave_will(one, topic);
  });
  while (epochs.too_many()) {
    if (epochs.drop_lowest(now, dropped)) notice(NoticeKind::full, {}, out);
  }
  std::erase_if(memory_.lost, [&](const auto& one) {
    return std::ranges::find(dropped, one.finals.key) != dropped.end();
  });
  return epochs.find(id) == epoch ? epoch : nullptr;
}

void KnownSender::lose(const Finals& finals, bool followed, const Subscribed& subscribed,
                       Events& out) {
  if (followed) {
    notice(NoticeKind::key_missing, {}, out);
    for (const auto& [name, next] : finals.topics) {
      if (subscribed(name)) count_missing(name, next, out);
    }
  }
  keep({finals, followed});
}

void KnownSender::keep(LostEpoch lost) {
  memory_.lost.push_back(std::move(lost));
  if (memory_.lost.size() > lost_epochs) memory_.lost.erase(memory_.lost.begin());
}

void KnownSender::find_lost(LiveEpoch& epoch, const Subscribed& subscribed, Events& out) {
  const auto at =
      std::ranges::find_if(memory_.lost, [&](auto& one) { return one.finals.key == epoch.id; });
  if (at == memory_.lost.end()) return;
  const auto [finals, told] = std::move(*at);
  memory_.lost.erase(at);
  epoch.from_start = epoch.from_start || told;
  finish(epoch, finals, told, subscribed, out);
}

void KnownSender::finish(LiveEpoch& epoch, const Finals& finals, bool told,
                         const Subscribed& subscribed, Events& out) {
  epoch.finished = true;
  for (const auto& [name, next] : finals.topics) {
    // Of a topic that we listen to all its messages may be missing.
    if (!epoch.topics.contains(name) && (!epoch.from_start || !subscribed(name))) continue;
    auto* topic = topic_of(epoch, name, out);
    if (topic == nullptr) continue;
    const auto missing = topic->window.finish(next);
    if (!told) count_missing(name, missing, out);
  }
  // It may become known from its start, and then more is due.
  if (!epoch.from_start) keep({finals, false});
}

void KnownSender::due_from_start(LiveEpoch& epoch, const Subscribed& subscribed, Events& out) {
  epoch.from_start = true;
  for (auto& [name, topic] : epoch.topics) {
    count_missing(name, topic.window.due_from_start(), out);
  }
  find_lost(epoch, subscribed, out);
}

void KnownSender::begin_following(const Subscribed& subscribed) {
  for (auto& [number, epoch] : memory_.epochs) {
    epoch.from_start = false;
    for (auto& [name, topic] : epoch.topics) {
      if (!subscribed(name)) topic.window.pause();
    }
  }
}

void KnownSender::count_missing(std::string_view topic, std::uint64_t count, Events& out) {
  if (count == 0) return;
  if (auto* counted = record_of(topic, 0, out)) counted->counts.missing += count;
  notice(NoticeKind::missing, topic, out, count);
}

bool KnownSender::may_leave_will(const LiveEpoch& epoch, std::string_view topic) const {
  const auto known = memory_.topics.find(topic);
  return known != memory_.topics.end() && known->second.online &&
         known->second.online_at.first == epoch.number;
}

bool KnownSender::restore(ByteView saved, const Moment& at, bool same_topics) {
  auto memory = decode_memory(key_, saved, at);
  if (!memory) return false;
  memory_ = std::move(*memory);
  for (auto& [number, epoch] : memory_.epochs) {
    epoch.from_start = epoch.from_start && same_topics;
  }
  return true;
}

void KnownSender::report(std::vector<Report>& out) const {
  for (const auto& [topic, record] : memory_.topics) out.push_back({key_, topic, record.counts});
}

}  // namespace sts::channel
