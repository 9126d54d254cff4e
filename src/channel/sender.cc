#include "channel/sender.h"

#include <algorithm>
#include <utility>

#include "channel/frame.h"
#include "crypto/aead.h"

namespace sts::channel {
namespace {

tl::unexpected<Error> bad_content() {
  return fail(Errc::bad_input, "no reader would take this message",
              "a message has a payload, its properties are UTF-8, and there are 64 at most");
}

tl::unexpected<Error> topic_too_long() {
  return fail(Errc::bad_input, "the topic is longer than the 1024 bytes that a channel's may have");
}

/// Room for a frame with the longest header and a signature.
std::size_t frame_size(std::size_t content) {
  constexpr std::size_t header = 1 + 8 + 16;
  return header + content + crypto::tag_size + sizeof(crypto::Signature);
}

}  // namespace

Sender::Sender(const crypto::KeyPair& self, SenderOptions options, Random& random)
    : self_(self), options_(std::move(options)), random_(random) {
  random_.fill(stream_.bytes);
  if (options_.sign) signing_key_ = signing_key(self.private_key);
}

Sender::Sender(const crypto::KeyPair& self, SenderOptions options, Random& random, Saved saved,
               Instant now, Duration age)
    : Sender(self, std::move(options), random) {
  stream_ = saved.stream;
  packets_ = std::move(saved.packets);
  for (auto& [topic, kept] : saved.retained) keep(topic, std::move(kept));
  if (!saved.epoch) return;
  auto& [key, id, number, created, sealed, next, keys] = *saved.epoch;
  epoch_.emplace(
      Epoch{std::move(key), id, number, created, now - age, sealed, {}, std::move(keys)});
  for (const auto& [topic, counter] : next) {
    epoch_->topics.emplace(topic, Topic{message_key(epoch_->key, topic), counter});
  }
}

Sender::Saved Sender::save() const {
  Saved out{stream_, {}, retained_, packets_};
  if (!epoch_) return out;
  auto& saved = out.epoch.emplace(Saved::Epoch{
      epoch_->key.clone(), epoch_->id, epoch_->number, epoch_->created, epoch_->sealed, {}});
  for (const auto& [name, topic] : epoch_->topics) saved.next.emplace(name, topic.next);
  saved.keys = epoch_->keys;
  return out;
}

bool Sender::used_up(Instant now) const {
  return !epoch_ || epoch_->sealed >= reject_after_messages ||
         now - epoch_->began >= reject_after_time;
}

bool Sender::epoch_due(Instant now) const {
  return !epoch_ || epoch_->sealed >= options_.rekey_after_messages ||
         now - epoch_->began >= options_.rekey_after_time;
}

std::optional<Finals> Sender::finals() const {
  if (!epoch_) return std::nullopt;
  Finals out{epoch_->id, {}};
  for (const auto& [name, topic] : epoch_->topics) out.topics.push_back({name, topic.next});
  return out;
}

Result<std::vector<Packet>> Sender::begin_epoch(std::span<const Recipient> readers,
                                                std::uint64_t number, std::uint64_t created,
                                                Instant now) {
  Header header{stream_, number, created, {}, finals()};
  if (signing_key_) header.signing_key = signing_key_->verifying_key();
  const Bytes header_bytes = encode(header);
  auto key = EpochKey::generate(random_);

  auto out = seal_key_packets(header_bytes, key, {self_, options_.key_prefix, options_.use},
                              readers, random_);
  if (!out) return out;

  const KeyId id = key_id(key, header_bytes);
  packets_[id] = out->size();
  epoch_.emplace(Epoch{std::move(key), id, number, created, now, 0, {}, *out});

  for (auto& [topic, kept] : retained_) {
    if (!kept.content) continue;
    if (auto sealed = reseal(topic, kept)) out->push_back({topic, std::move(*sealed)});
  }
  std::ranges::move(clear_packets(id), std::back_inserter(*out));
  return out;
}

Result<Bytes> Sender::reseal(std::string_view topic, Retained& kept) {
  auto content = *decode_content(*kept.content);
  content.resealed = kept.origin;
  auto sealed = seal_encoded(topic, encode(content, options_.pad));
  if (sealed) kept.key = epoch_->id;  // else the epoch before goes on holding it
  return sealed;
}

Result<Packet> Sender::adopt(std::string_view topic, const Retained& retained, Instant now) {
  if (used_up(now)) return fail(Errc::limit, "the channel's key is used up");
  if (!retained.content) return fail(Errc::limit, "the retained message is too large to be kept");
  Retained kept = retained;
  auto sealed = reseal(topic, kept);
  if (!sealed) return tl::unexpected(sealed.error());
  keep(topic, std::move(kept));
  return Packet{std::string(topic), std::move(*sealed)};
}

std::vector<Packet> Sender::clear() {
  epoch_.reset();
  return clear_packets(std::nullopt);
}

std::vector<Packet> Sender::clear_packets(const std::optional<KeyId>& but) {
  std::vector<Packet> out;
  std::erase_if(packets_, [&](const auto& packet) {
    const KeyId& key = packet.first;
    const auto needs_it = [&](const auto& kept) { return kept.second.key == key; };
    if (key == but || std::ranges::any_of(retained_, needs_it)) return false;
    for (std::size_t part = 0; part < packet.second; ++part) {
      out.push_back({key_topic(options_.key_prefix, sender_id(self_.public_key), key, part), {}});
    }
    return true;
  });
  return out;
}

Result<Bytes> Sender::seal(std::string_view topic, const Content& content, Instant now) {
  if (used_up(now)) return fail(Errc::limit, "the channel's key is used up");
  if (!well_formed(content)) return bad_content();
  if (content.retained && options_.use == Use::passing) {
    return fail(Errc::bad_input, "nothing that is retained goes under a key that will go");
  }
  auto sealed = seal_encoded(topic, encode(content, options_.pad));
  if (sealed && content.retained) remember(topic, content);
  return sealed;
}

Result<Bytes> Sender::seal_encoded(std::string_view topic, ByteView content) {
  auto at = epoch_->topics.find(topic);
  if (at == epoch_->topics.end()) {
    if (topic.size() > topic_size) return topic_too_long();
    if (epoch_->topics.size() == topics_of_sender) {
      return fail(Errc::limit, "a channel has 4096 topics already");
    }
    at = epoch_->topics.emplace(topic, Topic{message_key(epoch_->key, topic)}).first;
  }
  const std::uint64_t counter = at->second.next++;
  ++epoch_->sealed;
  Bytes frame;
  frame.reserve(frame_size(content.size()));
  put_message_header(frame, epoch_->id, counter);
  finish(frame, at->second.key, counter, content, topic);
  return frame;
}

Result<Bytes> Sender::seal_will(std::string_view topic, const ConnectionId& connection,
                                const Content& content) {
  if (!epoch_) return fail(Errc::limit, "the channel has no key yet");
  if (!well_formed(content) || !content.payload) return bad_content();
  if (topic.size() > topic_size) return topic_too_long();
  const Bytes encoded = encode(content, options_.pad);
  Bytes frame;
  frame.reserve(frame_size(encoded.size()));
  put_will_header(frame, epoch_->id, connection);
  finish(frame, will_key(epoch_->key, connection, topic), 0, encoded, topic);
  return frame;
}

void Sender::finish(Bytes& frame, const crypto::Secret<32>& key, std::uint64_t counter,
                    ByteView content, std::string_view topic) const {
  const ByteView header(frame);  // stays where it is: there is room
  crypto::aead_seal(key, counter, header, content, frame);
  if (!signing_key_) return;
  const auto ciphertext = ByteView(frame).subspan(header.size());
  append(frame, signing_key_->sign(signed_bytes(topic, header, ciphertext)));
}

void Sender::remember(std::string_view topic, const Content& content) {
  const Origin origin{stream_, epoch_->number, epoch_->topics.find(topic)->second.next - 1};
  keep(topic, {epoch_->id, origin, encode(content, Pad::none)});
}

void Sender::keep(std::string_view topic, Retained retained) {
  forget_retained(topic);
  const auto size = retained.content ? retained.content->size() : 0;
  if (retained_size_ + size > retained_bytes) {
    retained.content.reset();
  } else {
    retained_size_ += size;
  }
  retained_.emplace(topic, std::move(retained));
}

std::vector<std::string> Sender::topics() const {
  std::vector<std::string> out;
  if (!epoch_) return out;
  for (const auto& [name, topic] : epoch_->topics) out.push_back(name);
  return out;
}

void Sender::forget_retained(std::string_view topic) {
  const auto kept = retained_.find(topic);
  if (kept == retained_.end()) return;
  if (kept->second.content) retained_size_ -= kept->second.content->size();
  retained_.erase(kept);
}

}  // namespace sts::channel
