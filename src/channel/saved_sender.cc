#include "channel/saved_sender.h"

#include "base/reader.h"

namespace sts::channel {
namespace {

constexpr std::uint8_t sender_version = 2;

void put_packets(Bytes& out, const std::vector<Packet>& packets) {
  put_varint(out, packets.size());
  for (const auto& [topic, payload] : packets) {
    put_sized(out, as_bytes(topic));
    put_sized(out, payload);
  }
}

bool get_packets(sts::Reader& in, std::vector<Packet>& out) {
  return in.each(UINT64_MAX, [&] {
    const auto topic = in.sized();
    const auto payload = in.sized();
    if (!topic || !payload) return false;
    out.push_back({std::string(as_text(*topic)), to_bytes(*payload)});
    return true;
  });
}

void put(Bytes& out, const Sender::Saved::Epoch& epoch) {
  append(out, epoch.id.bytes);
  for (auto number : {epoch.number, epoch.created, epoch.sealed}) put_varint(out, number);
  put_varint(out, epoch.next.size());
  for (const auto& [topic, next] : epoch.next) {
    put_sized(out, as_bytes(topic));
    put_varint(out, next);
  }
  put_packets(out, epoch.keys);
}

std::optional<Sender::Saved::Epoch> get_epoch(sts::Reader& in) {
  const auto id = in.array<8>();
  const auto number = in.varint();
  const auto created = in.varint();
  const auto sealed = in.varint();
  if (!id || !number || !created || !sealed) return std::nullopt;
  std::optional<Sender::Saved::Epoch> out(
      std::in_place, Sender::Saved::Epoch{EpochKey(), KeyId{*id}, *number, *created, *sealed, {}});
  const auto get_next = [&] {
    const auto topic = in.sized();
    const auto next = in.varint();
    return topic && next && out->next.emplace(as_text(*topic), *next).second;
  };
  if (!in.each(UINT64_MAX, get_next) || !get_packets(in, out->keys)) out.reset();
  return out;
}

void put(Bytes& out, std::string_view topic, const Sender::Retained& kept) {
  put_sized(out, as_bytes(topic));
  append(out, kept.key.bytes);
  append(out, kept.origin.stream.bytes);
  put_varint(out, kept.origin.epoch);
  put_varint(out, kept.origin.counter);
  out.push_back(kept.content ? 1 : 0);
  if (kept.content) put_sized(out, *kept.content);
}

bool get_retained(sts::Reader& in, Sender::RetainedTopics& out) {
  const auto topic = in.sized();
  const auto key = in.array<8>();
  const auto stream = in.array<8>();
  const auto epoch = in.varint();
  const auto counter = in.varint();
  const auto kept = in.u8();
  if (!topic || !key || !stream || !epoch || !counter || !kept) return false;
  Sender::Retained retained{KeyId{*key}, {StreamId{*stream}, *epoch, *counter}, {}};
  if (*kept != 0) {
    const auto content = in.sized();
    if (!content || !decode_content(*content)) return false;
    retained.content = to_bytes(*content);
  }
  return out.emplace(as_text(*topic), std::move(retained)).second;
}

}  // namespace

crypto::WipedBytes encode(const SavedSender& saved) {
  const auto& sender = saved.sender;
  Bytes out{sender_version};
  append(out, sender.stream.bytes);
  out.push_back(sender.epoch ? 1 : 0);
  if (sender.epoch) put(out, *sender.epoch);
  put_varint(out, sender.retained.size());
  for (const auto& [topic, kept] : sender.retained) put(out, topic, kept);
  put_varint(out, sender.packets.size());
  for (const auto& [key, parts] : sender.packets) {
    append(out, key.bytes);
    put_varint(out, parts);
  }
  put_packets(out, saved.unconfirmed);
  crypto::WipedBytes whole;
  whole.reserve(out.size() + EpochKey::size);
  append(whole, out);
  if (sender.epoch) append(whole, sender.epoch->key.bytes());
  return whole;
}

std::optional<SavedSender> decode_saved_sender(ByteView bytes) {
  sts::Reader in(bytes);
  const auto is = in.u8();
  const auto stream = in.array<8>();
  const auto has_epoch = in.u8();
  if (!is || *is != sender_version || !stream || !has_epoch) return std::nullopt;
  SavedSender out;
  out.sender.stream = StreamId{*stream};
  if (*has_epoch != 0) {
    out.sender.epoch = get_epoch(in);
    if (!out.sender.epoch) return std::nullopt;
  }
  const auto get_key = [&] {
    const auto key = in.array<8>();
    const auto parts = in.varint();
    if (!key || !parts) return false;
    return out.sender.packets.emplace(KeyId{*key}, static_cast<std::size_t>(*parts)).second;
  };
  if (!in.each(UINT64_MAX, [&] { return get_retained(in, out.sender.retained); }) ||
      !in.each(UINT64_MAX, get_key) || !get_packets(in, out.unconfirmed)) {
    return std::nullopt;
  }
  if (out.sender.epoch) {
    const auto key = in.take(EpochKey::size);
    if (!key) return std::nullopt;
    out.sender.epoch->key = EpochKey(key->first<EpochKey::size>());
  }
  if (!in.empty()) return std::nullopt;
  return out;
}

}  // namespace sts::channel
