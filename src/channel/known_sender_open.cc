// What a known sender's keys open.
#include <algorithm>
#include <utility>

#include "channel/known_sender.h"
#include "crypto/aead.h"

namespace sts::channel {

bool KnownSender::open(const Sealed& sealed, std::string_view topic, bool retained, Events& out,
                       Events& failed) {
  LiveEpoch* epoch = memory_.epochs.find(sealed.key);
  if (epoch == nullptr) return false;
  return sealed.type == FrameType::will
             ? open_will(*epoch, sealed, topic, retained, out, failed)
             : open_message(*epoch, sealed, topic, retained, out, failed);
}

std::optional<Bytes> KnownSender::plaintext(const LiveEpoch& epoch, const crypto::Secret<32>& key,
                                            const Sealed& sealed, std::string_view topic,
                                            Events& failed) {
  crypto::Signature signature{};
  ByteView ciphertext = sealed.body;
  if (epoch.signing_key && ciphertext.size() > signature.size() + crypto::tag_size) {
    ciphertext = ciphertext.first(ciphertext.size() - signature.size());
    std::ranges::copy(sealed.body.last(signature.size()), signature.begin());
  }
  std::optional<Bytes> out(std::in_place, ciphertext.size() - crypto::tag_size);
  // First what costs less: anybody may forge.
  const bool opened =
      crypto::aead_open(key, sealed.counter, sealed.header, ciphertext, out->data());
  if (opened && (!epoch.signing_key ||
                 crypto::verify(*epoch.signing_key, signed_bytes(topic, sealed.header, ciphertext),
                                signature))) {
    return out;
  }
  if (const auto known = memory_.topics.find(topic); known != memory_.topics.end())
    ++known->second.counts.forged;
  notice(opened ? NoticeKind::not_signed : NoticeKind::forged, topic, failed);
  out.reset();
  return out;
}

bool KnownSender::open_message(LiveEpoch& epoch, const Sealed& sealed, std::string_view topic,
                               bool retained, Events& out, Events& failed) {
  if (sealed.counter >= reject_after_messages) {
    notice(NoticeKind::full, topic, failed);
    return false;
  }
  const auto known = epoch.topics.find(topic);
  LiveEpoch::Topic* at = known != epoch.topics.end() ? &known->second : nullptr;
  auto opened = at != nullptr
                    ? plaintext(epoch, at->key, sealed, topic, failed)
                    : plaintext(epoch, message_key(epoch.key, topic), sealed, topic, failed);
  if (!opened) return false;
  const auto content = decode_content(*opened);
  if (!content || (content->resealed && content->resealed->epoch >= epoch.number)) {
    notice(NoticeKind::malformed, topic, out);
    return true;
  }
  // What the sender didn't want retained came as it was sent, whatever flag the broker gave it.
  const bool stale = retained && content->retained;
  TopicRecord* record = at != nullptr ? at->record : nullptr;
  if (record == nullptr) record = record_of(topic, epoch.number, out);
  if (record == nullptr) return true;
  if (is_due({epoch, at, sealed.counter, topic, stale, *content}, *record, out)) {
    ++record->counts.delivered;
    if (epoch.superseded) ++record->counts.late;
    deliver(epoch, sealed.counter, topic, stale || content->resealed, *content, std::move(*opened),
            out);
  }
  return true;
}

bool KnownSender::is_due(const Message& message, TopicRecord& record, Events& out) {
  const auto& [epoch, known, counter, topic, stale, content] = message;
  const Position position{content.resealed.value_or(Origin{epoch.stream, epoch.number, counter}),
                          epoch.plausible(content.time),
                          content.retained ? digest(content) : Digest{}};
  const bool replaced = record.retained.replaced(position);
  if (stale && replaced) return rolled_back(record, topic, out);
  if (known != nullptr && !known->window.is_new(counter)) {
    if (!stale) repeated(record, topic, out);  // else it comes again with each subscription
    return false;
  }
  auto* at = known != nullptr ? known : topic_of(epoch, topic, out);
  if (at == nullptr) return false;
  at->record = &record;
  auto& window = at->window;
  const auto told = account(window, stale, counter, record, topic, out);
  if (content.online && std::pair(epoch.number, counter) >= record.online_at) {
    record.online = content.online;
    record.online_at = {epoch.number, counter};
  }
  if (content.resealed) {
    if (came_before(record, position, topic)) return false;
    if (replaced) return rolled_back(record, topic, out);
    // Else a reader of this epoch may have made that up, who need not be one of its place's: so no
    // counter is marked there, and it orders others by its time alone.
    if (epoch.signing_key) record.retained.remember(position);
    record.retained.remember_resealed(position);
  } else if (content.retained) {
    const bool came = record.retained.came(position);
    record.retained.remember(position);
    if (came) return false;
  }
  if (!content.payload) return false;
  return !content.durable ||
         durable_is_new(record, *content.durable, stale || content.resealed, told, topic, out);
}

bool KnownSender::durable_is_new(TopicRecord& record, const Durable& durable, bool retained,
                                 std::uint64_t told, std::string_view topic, Events& out) const {
  auto& window = record.durable.find(durable.stream);
  if (window.out_of_sight(durable.number)) {  // no sender falls behind so far
    repeated(record, topic, out);
    return false;
  }
  if (!window.is_new(durable.number)) {  // the sender didn't know that it had come
    ++record.counts.resent;
    return false;
  }
  const auto change = retained ? TopicWindow::Change{.found = window.mark_retained(durable.number)}
                               : window.mark_live(durable.number);
  record.counts.durable_missing += change.missing;
  record.counts.durable_missing -= change.found ? 1 : 0;
  if (change.missing > told) {
    notice(NoticeKind::durable_missing, topic, out, change.missing - told);
  }
  return true;
}

bool KnownSender::came_before(const TopicRecord& record, const Position& position,
                              std::string_view topic) {
  if (record.retained.came(position)) return true;
  const auto& [stream, number, counter] = position.origin;
  const auto* epoch = memory_.epochs.find(stream, number);
  if (epoch == nullptr) return false;
  const auto known = epoch->topics.find(topic);
  return known != epoch->topics.end() && !known->second.window.is_new(counter);
}

bool KnownSender::rolled_back(TopicRecord& record, std::string_view topic, Events& out) const {
  ++record.counts.rolled_back;
  notice(NoticeKind::rolled_back, topic, out);
  return false;
}

void KnownSender::repeated(TopicRecord& record, std::string_view topic, Events& out) const {
  ++record.counts.repeated;
  notice(NoticeKind::repeated, topic, out);
}

std::uint64_t KnownSender::account(TopicWindow& window, bool retained, std::uint64_t counter,
                                   TopicRecord& record, std::string_view topic, Events& out) {
  TopicWindow::Change change;
  if (retained) {
    change.found = window.mark_retained(counter);
  } else {
    change = window.mark_live(counter);
  }
  count_missing(topic, change.missing, out);
  if (change.found) notice(NoticeKind::found, topic, out);
  if (change.found && record.counts.missing > 0) --record.counts.missing;  // it may be a new record
  record.counts.reordered += change.reordered ? 1 : 0;
  return change.missing;
}

void KnownSender::deliver(const LiveEpoch& epoch, std::uint64_t counter, std::string_view topic,
                          bool retained, const Content& content, Bytes plaintext, Events& out) {
  auto& delivered = std::get<Delivered>(out.emplace_back(std::in_place_type<Delivered>));
  delivered.sender = key_;
  delivered.topic = topic;
  delivered.epoch = epoch.number;
  delivered.counter = counter;
  delivered.time = content.time;
  delivered.durable = content.durable;
  delivered.retained = retained;
  delivered.late = epoch.superseded.has_value();
  if (content.content_type) delivered.content_type = std::string(*content.content_type);
  for (const auto& [name, value] : content.user_properties) {
    delivered.user_properties.emplace_back(name, value);
  }
  // The payload stays where it was opened, which ends the views.
  const auto before = content.payload->data() - plaintext.data();
  plaintext.resize(static_cast<std::size_t>(before) + content.payload->size());
  plaintext.erase(plaintext.begin(), plaintext.begin() + before);
  delivered.payload = std::move(plaintext);
}

bool KnownSender::open_will(const LiveEpoch& epoch, const Sealed& sealed, std::string_view topic,
                            bool retained, Events& out, Events& failed) {
  const auto key = will_key(epoch.key, sealed.connection, topic);
  const auto opened = plaintext(epoch, key, sealed, topic, failed);
  if (!opened) return false;
  const auto content = decode_content(*opened);
  TopicRecord* counted = record_of(topic, epoch.number, out);
  if (!content || !content->payload) {
    notice(NoticeKind::malformed, topic, out);
  } else if (counted == nullptr) {
    return true;
  } else if ((counted->online && *counted->online != sealed.connection) ||
             std::ranges::count(counted->wills, sealed.connection) != 0) {
    repeated(*counted, topic, out);
  } else {
    counted->wills.push_back(sealed.connection);
    if (counted->wills.size() > wills_remembered) counted->wills.erase(counted->wills.begin());
    out.emplace_back(Will{key_, std::string(topic), to_bytes(*content->payload), retained});
  }
  return true;
}

}  // namespace sts::channel
