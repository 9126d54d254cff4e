#include "channel/saved_reader.h"

#include <algorithm>
#include <chrono>

#include "base/reader.h"
#include "channel/limits.h"

namespace sts::channel {
namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr std::uint8_t reader_version = 3;
// An epoch that was dropped for want of a signature leaves a floor without a live one.
constexpr std::size_t floors_max = 2 * epochs_of_sender;

enum EpochFlag : std::uint8_t {
  from_start = 1,
  finished = 2,
  superseded = 4,
  has_signing_key = 8,
  has_before = 16,
  all_flags = 31,
};

std::optional<bool> get_flag(sts::Reader& in) {
  const auto flag = in.u8();
  if (!flag || *flag > 1) return std::nullopt;
  return *flag == 1;
}

/// Nothing depends on more than that.
std::uint64_t age(Instant since, Instant now) {
  const auto out = std::clamp<Duration>(now - since, {}, reject_after_time);
  return static_cast<std::uint64_t>(std::chrono::floor<Milliseconds>(out).count());
}

std::optional<Duration> get_age(sts::Reader& in) {
  const auto age = in.varint();
  const auto most = std::chrono::floor<Milliseconds>(reject_after_time).count();
  if (!age || *age > static_cast<std::uint64_t>(most)) return std::nullopt;
  return Milliseconds(*age);
}

/// Behind the name before it, so that none stands twice.
template <typename Map>
std::optional<std::string> get_name(sts::Reader& in, const Map& before) {
  const auto name = in.sized();
  if (!name || (!before.empty() && before.rbegin()->first >= as_text(*name))) return std::nullopt;
  return std::string(as_text(*name));
}

void put(Bytes& out, const LiveEpoch& epoch, Instant now) {
  append(out, epoch.id.bytes);
  append(out, epoch.stream.bytes);
  put_varint(out, epoch.number);
  put_varint(out, epoch.created);
  out.push_back(static_cast<std::uint8_t>(
      (epoch.from_start ? from_start : 0) | (epoch.finished ? finished : 0) |
      (epoch.superseded ? superseded : 0) | (epoch.signing_key ? has_signing_key : 0) |
      (epoch.before ? has_before : 0)));
  if (epoch.signing_key) append(out, epoch.signing_key->bytes);
  if (epoch.before) append(out, epoch.before->bytes);
  put_varint(out, age(epoch.taken, now));
  if (epoch.superseded) put_varint(out, age(*epoch.superseded, now));
  put_varint(out, epoch.topics.size());
  for (const auto& [name, topic] : epoch.topics) {
    put_sized(out, as_bytes(name));
    topic.window.put(out);
  }
}

/// All but the key, and for each topic its window.
struct SavedEpoch {
  LiveEpoch epoch;
  std::map<std::string, TopicWindow> windows;
};

std::optional<SavedEpoch> get_epoch(sts::Reader& in, Instant now, Duration away) {
  const auto id = in.array<8>();
  const auto stream = in.array<8>();
  const auto number = in.varint();
  const auto created = in.varint();
  const auto flags = in.u8();
  if (!id || !stream || !number || !created || !flags || *flags > all_flags) return std::nullopt;
  SavedEpoch out{{EpochKey(), KeyId{*id}, StreamId{*stream}, *number, *created}, {}};
  LiveEpoch& epoch = out.epoch;
  epoch.from_start = (*flags & from_start) != 0;
  epoch.finished = (*flags & finished) != 0;
  if ((*flags & has_signing_key) != 0) {
    const auto key = in.array<crypto::VerifyingKey::size>();
    if (!key) return std::nullopt;
    epoch.signing_key = crypto::VerifyingKey{*key};
  }
  if ((*flags & has_before) != 0) {
    const auto key = in.array<8>();
    if (!key) return std::nullopt;
    epoch.before = KeyId{*key};
  }
  const auto taken = get_age(in);
  if (!taken) return std::nullopt;
  epoch.taken = now - *taken - away;
  if ((*flags & superseded) != 0) {
    const auto since = get_age(in);
    if (!since) return std::nullopt;
    epoch.superseded = now - *since;
  }
  const bool good = in.each(topics_of_sender, [&] {
    auto name = get_name(in, out.windows);
    auto window = name ? TopicWindow::get(in, reject_after_messages) : std::nullopt;
    if (window) out.windows.emplace(std::move(*name), std::move(*window));
    return window.has_value();
  });
  if (!good) return std::nullopt;
  return out;
}

void put(Bytes& out, const TopicRecord& record) {
  put_varint(out, record.epoch);
  const auto& counts = record.counts;
  for (const auto count :
       {counts.delivered, counts.missing, counts.repeated, counts.reordered, counts.late,
        counts.forged, counts.rolled_back, counts.resent, counts.durable_missing}) {
    put_varint(out, count);
  }
  record.retained.put(out);
  record.durable.put(out);
  out.push_back(record.online ? 1 : 0);
  if (record.online) {
    append(out, record.online->bytes);
    put_varint(out, record.online_at.first);
    put_varint(out, record.online_at.second);
  }
  put_varint(out, record.wills.size());
  for (const auto& will : record.wills) append(out, will.bytes);
}

std::optional<TopicRecord> get_record(sts::Reader& in) {
  TopicRecord out;
  const auto used_in = in.varint();
  if (!used_in) return std::nullopt;
  out.epoch = *used_in;
  auto& counts = out.counts;
  for (auto* count :
       {&counts.delivered, &counts.missing, &counts.repeated, &counts.reordered, &counts.late,
        &counts.forged, &counts.rolled_back, &counts.resent, &counts.durable_missing}) {
    const auto value = in.varint();
    if (!value) return std::nullopt;
    *count = *value;
  }
  auto retained = RetainedMemory::get(in);
  auto durable = retained ? DurableWindows::get(in) : std::nullopt;
  const auto online = get_flag(in);
  if (!durable || !online) return std::nullopt;
  out.retained = std::move(*retained);
  out.durable = std::move(*durable);
  if (*online) {
    const auto connection = in.array<16>();
    const auto epoch = in.varint();
    const auto counter = in.varint();
    if (!connection || !epoch || !counter) return std::nullopt;
    out.online = ConnectionId{*connection};
    out.online_at = {*epoch, *counter};
  }
  const bool good = in.each(wills_remembered, [&] {
    const auto will = in.array<16>();
    if (will) out.wills.push_back({*will});
    return will.has_value();
  });
  if (!good) return std::nullopt;
  return out;
}

bool get_floors(sts::Reader& in, LiveEpochs::Floors& out) {
  return in.each(floors_max, [&] {
    const auto stream = in.array<8>();
    const auto floor = in.varint();
    if (!stream || !floor) return false;
    const StreamId id{*stream};
    if (!out.empty() && out.rbegin()->first >= id) return false;
    out.emplace_hint(out.end(), id, *floor);
    return true;
  });
}

bool get_lost(sts::Reader& in, std::vector<LostEpoch>& out) {
  return in.each(lost_epochs, [&] {
    const auto told = get_flag(in);
    auto finals = get_finals(in);
    if (!told || !finals) return false;
    out.push_back({std::move(*finals), *told});
    return true;
  });
}

bool get_records(sts::Reader& in, SenderMemory& out) {
  return in.each(topics_of_sender, [&] {
    auto name = get_name(in, out.topics);
    auto record = name ? get_record(in) : std::nullopt;
    if (record) out.topics.emplace(std::move(*name), std::move(*record));
    return record.has_value();
  });
}

/// The keys, and what follows from them.
bool get_keys(sts::Reader& in, std::vector<SavedEpoch>& saved, LiveEpochs::ByNumber& out) {
  for (auto& [epoch, windows] : saved) {
    const auto key = in.take(EpochKey::size);
    if (!key) return false;
    epoch.key = EpochKey(key->first<EpochKey::size>());
    for (auto& [name, window] : windows) epoch.topic(name).window = std::move(window);
    const auto number = epoch.number;
    out.emplace_hint(out.end(), number, std::move(epoch));
  }
  return in.empty();
}

}  // namespace

crypto::WipedBytes encode(const crypto::PublicKey& sender, const SenderMemory& memory,
                          const Moment& at) {
  const auto& epochs = memory.epochs.by_number();
  Bytes out{reader_version};
  append(out, sender.bytes);
  put_varint(out, at.time);
  out.push_back(memory.must_sign ? 1 : 0);
  put_varint(out, memory.epochs.floor());
  put_varint(out, memory.epochs.floors().size());
  for (const auto& [stream, floor] : memory.epochs.floors()) {
    append(out, stream.bytes);
    put_varint(out, floor);
  }
  put_varint(out, epochs.size());
  for (const auto& [number, epoch] : epochs) put(out, epoch, at.now);
  put_varint(out, memory.lost.size());
  for (const auto& lost : memory.lost) {
    out.push_back(lost.told ? 1 : 0);
    put(out, lost.finals);
  }
  put_varint(out, memory.topics.size());
  for (const auto& [name, record] : memory.topics) {
    put_sized(out, as_bytes(name));
    put(out, record);
  }
  crypto::WipedBytes whole;
  whole.reserve(out.size() + epochs.size() * EpochKey::size);
  append(whole, out);
  for (const auto& [number, epoch] : epochs) append(whole, epoch.key.bytes());
  return whole;
}

std::optional<SenderMemory> decode_memory(const crypto::PublicKey& sender, ByteView bytes,
                                          const Moment& at) {
  sts::Reader in(bytes);
  const auto is = in.u8();
  const auto of = in.array<crypto::PublicKey::size>();
  const auto time = in.varint();
  const auto must_sign = get_flag(in);
  const auto floor = in.varint();
  if (is != reader_version || !of || *of != sender.bytes || !time || !must_sign || !floor) {
    return std::nullopt;
  }
  // Wrong where the clock is, but never below zero: a key seems older then, which silences what is
  // told of one that has to go, and nothing else.
  const Duration away = std::min<Duration>(
      reject_after_time, Milliseconds(std::min(at.time - std::min(*time, at.time), times_end)));
  std::optional<SenderMemory> out(std::in_place);
  out->must_sign = *must_sign;
  LiveEpochs::Floors floors;
  std::vector<SavedEpoch> saved;
  const auto get_one = [&] {
    auto epoch = get_epoch(in, at.now, away);
    if (!epoch || epoch->epoch.number <= (saved.empty() ? *floor : saved.back().epoch.number)) {
      return false;
    }
    saved.push_back(std::move(*epoch));
    return true;
  };
  LiveEpochs::ByNumber epochs;
  const bool good = get_floors(in, floors) && in.each(epochs_of_sender, get_one) &&
                    get_lost(in, out->lost) && get_records(in, *out) && get_keys(in, saved, epochs);
  out->epochs = LiveEpochs(std::move(epochs), *floor, std::move(floors));
  if (!good) out.reset();
  return out;
}

}  // namespace sts::channel
