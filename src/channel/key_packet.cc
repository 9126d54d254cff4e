#include "channel/key_packet.h"

#include <algorithm>

#include "base/text.h"
#include "channel/frame.h"
#include "channel/limits.h"
#include "crypto/hash.h"
#include "noise/handshake_state.h"

namespace sts::channel {
namespace {

enum Flag : std::uint8_t { signs = 1, has_finals = 2 };

constexpr std::size_t mark_size = 16;
constexpr std::size_t hint_size = 4;
constexpr std::size_t wrap_size = hint_size + 32 + 32 + 16;  // hint, e, epoch key, tag

const crypto::Psk no_psk;

void put_topic(Bytes& out, std::string_view topic) {
  put_u16(out, static_cast<std::uint16_t>(topic.size()));
  append(out, as_bytes(topic));
}

std::optional<std::string> topic(Reader& in) {
  const auto high = in.u8();
  const auto low = in.u8();
  if (!high || !low) return std::nullopt;
  const auto name = in.take(static_cast<std::size_t>(*high << 8U | *low));
  if (!name || name->empty() || !valid_utf8(as_text(*name))) return std::nullopt;
  return std::string(as_text(*name));
}

std::optional<Header> decode_header(ByteView bytes) {
  Reader in(bytes);
  const auto stream = in.array<8>();
  const auto epoch = in.varint();
  const auto created = in.varint();
  const auto flags = in.u8();
  if (!stream || !epoch || !created || !flags || *flags > (signs | has_finals)) return std::nullopt;
  Header out{StreamId{*stream}, *epoch, *created};
  if ((*flags & signs) != 0) {
    const auto key = in.array<crypto::VerifyingKey::size>();
    if (!key) return std::nullopt;
    out.signing_key = crypto::VerifyingKey{*key};
  }
  if ((*flags & has_finals) != 0) {
    out.before = get_finals(in);
    if (!out.before) return std::nullopt;
  }
  if (!in.empty()) return std::nullopt;
  return out;
}

Bytes wrap_prologue(ByteView header) {
  Bytes out = to_bytes(as_bytes("STS 2 wrap"));
  append(out, crypto::hash(header));
  return out;
}

/// Lets a reader find its wrap without trying all, and nobody else tell whose it is.
std::array<std::uint8_t, hint_size> hint(const crypto::Secret<32>& shared, ByteView header) {
  const auto derived = crypto::kdf(shared.bytes(), "STS 2 hint", crypto::hash(header));
  std::array<std::uint8_t, hint_size> out{};
  std::copy_n(derived.bytes().begin(), hint_size, out.begin());
  return out;
}

using Mark = std::array<std::uint8_t, mark_size>;

Mark mark(const crypto::PrivateKey& sender, Use use, std::string_view topic, ByteView header) {
  Bytes data{static_cast<std::uint8_t>(use)};
  put_topic(data, topic);
  append(data, crypto::hash(header));
  const auto derived = crypto::kdf(sender.bytes(), "STS 2 mark", data);
  Mark out{};
  std::copy_n(derived.bytes().begin(), mark_size, out.begin());
  return out;
}

noise::HandshakeState handshake(noise::Role role, ByteView prologue, const crypto::KeyPair& local,
                                const crypto::PublicKey& remote, const crypto::Psk* psk) {
  const crypto::Psk* mixed = psk != nullptr ? psk : &no_psk;
  return {noise::Kpsk0, role, prologue, {&local, remote, [mixed](const crypto::PublicKey*) {
                                           return mixed;
                                         }}};
}

}  // namespace

void put(Bytes& out, const Finals& finals) {
  append(out, finals.key.bytes);
  put_varint(out, finals.topics.size());
  for (const auto& [name, next] : finals.topics) {
    put_topic(out, name);
    put_varint(out, next);
  }
}

std::optional<Finals> get_finals(sts::Reader& in) {
  const auto key = in.array<8>();
  if (!key) return std::nullopt;
  std::optional<Finals> out(std::in_place, Finals{KeyId{*key}, {}});
  const bool good = in.each(topics_of_sender, [&] {
    auto name = topic(in);
    const auto next = in.varint();
    if (!name || name->size() > topic_size || !next || *next == 0 || *next > reject_after_messages)
      return false;
    // In order, so that none stands twice.
    if (!out->topics.empty() && out->topics.back().name >= *name) return false;
    out->topics.push_back({std::move(*name), *next});
    return true;
  });
  if (!good) out.reset();
  return out;
}

Bytes encode(const Header& header) {
  Bytes out = to_bytes(header.stream.bytes);
  put_varint(out, header.epoch);
  put_varint(out, header.created);
  out.push_back(static_cast<std::uint8_t>((header.signing_key ? signs : 0) |
                                          (header.before ? has_finals : 0)));
  if (header.signing_key) append(out, header.signing_key->bytes);
  if (header.before) {
    put(out, *header.before);
  }
  return out;
}

Result<std::vector<Packet>> seal_key_packets(ByteView header, const EpochKey& key,
                                             const Announcement& announcement,
                                             std::span<const Recipient> recipients,
                                             Random& random) {
  const auto& sender = announcement.sender;
  const auto id = sender_id(sender.public_key);
  const Bytes prologue = wrap_prologue(header);
  std::vector<Packet> packets;
  for (std::size_t i = 0; i < recipients.size(); ++i) {
    if (i % wraps_in_packet == 0) {
      auto& [topic, packet] = packets.emplace_back();
      topic = key_topic(announcement.key_prefix, id, key_id(key, header), packets.size() - 1);
      packet.push_back(static_cast<std::uint8_t>(FrameType::keys));
      put_sized(packet, header);
      append(packet, mark(sender.private_key, announcement.use, topic, header));
    }
    Bytes& packet = packets.back().payload;
    const auto& recipient = recipients[i];
    const auto shared = crypto::dh(sender.private_key, recipient.key);
    if (!shared) return tl::unexpected(shared.error());
    append(packet, hint(*shared, header));
    auto noise = handshake(noise::Role::initiator, prologue, sender, recipient.key, recipient.psk);
    const auto message = noise.write_message(key.bytes(), random);
    if (!message) return tl::unexpected(message.error());
    append(packet, *message);
  }
  return packets;
}

std::optional<KeyPacket> decode_key_packet(ByteView payload) {
  Reader in(payload);
  const auto type = in.u8();
  const auto header_bytes = in.sized();
  if (!type || *type != static_cast<std::uint8_t>(FrameType::keys) || !header_bytes) {
    return std::nullopt;
  }
  auto header = decode_header(*header_bytes);
  const auto mark = in.take(mark_size);
  const ByteView wraps = in.rest();
  if (!header || !mark || wraps.empty() || wraps.size() % wrap_size != 0 ||
      wraps.size() > wraps_in_packet * wrap_size) {
    return std::nullopt;
  }
  return KeyPacket{std::move(*header), *header_bytes, *mark, wraps};
}

std::optional<Use> own_packet(const KeyPacket& packet, std::string_view topic,
                              const crypto::PrivateKey& sender) {
  for (const auto use : {Use::passing, Use::lasting}) {
    const auto ours = mark(sender, use, topic, packet.header_bytes);
    if (sodium_memcmp(ours.data(), packet.mark.data(), mark_size) == 0) return use;
  }
  return std::nullopt;
}

std::vector<ByteView> find_wraps(const KeyPacket& packet, const WrapContext& who) {
  const auto wanted = hint(who.shared, packet.header_bytes);
  std::vector<ByteView> out;
  for (auto left = packet.wraps; !left.empty(); left = left.subspan(wrap_size)) {
    if (std::ranges::equal(left.first(hint_size), wanted)) out.push_back(left.first(wrap_size));
  }
  return out;
}

Result<EpochKey> open_wrap(ByteView wrap, ByteView header, const WrapContext& who) {
  auto noise =
      handshake(noise::Role::responder, wrap_prologue(header), who.reader, who.sender, who.psk);
  auto opened = noise.read_message(wrap.subspan(hint_size));
  if (!opened) return tl::unexpected(opened.error());
  if (opened->size() != EpochKey::size) return fail(Errc::malformed, "a wrap holds no key");
  EpochKey key{std::span(*opened).first<EpochKey::size>()};
  sodium_memzero(opened->data(), opened->size());
  return key;
}

}  // namespace sts::channel
