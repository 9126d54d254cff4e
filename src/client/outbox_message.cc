#include "client/outbox_message.h"

#include <fmt/format.h>

#include <utility>

#include "base/hex.h"
#include "base/reader.h"
#include "base/text.h"
#include "crypto/hash.h"

namespace sts::client {
namespace {

/// The first byte: what it is for.
constexpr std::uint8_t for_channel = 1, for_session = 2;
constexpr std::uint8_t qos_bits = 0x03, retain_bit = 0x04, expiry_bit = 0x08;

std::optional<std::string> text(Reader& in) {
  const auto out = in.sized();
  if (!out) return std::nullopt;
  return std::string(as_text(*out));
}

bool decode_properties(Reader& in, bool expires, mqtt::Properties& out) {
  if (expires) {
    const auto seconds = in.varint();
    if (!seconds || *seconds > UINT32_MAX) return false;
    out.message_expiry = std::chrono::seconds(*seconds);
  }
  auto content_type = text(in);
  const auto count = in.varint();
  if (!content_type || !count || *count > in.left()) return false;
  out.content_type = std::move(*content_type);
  for (std::uint64_t i = 0; i < *count; ++i) {
    auto name = text(in);
    auto value = text(in);
    if (!name || !value) return false;
    out.user_properties.emplace_back(std::move(*name), std::move(*value));
  }
  return true;
}

}  // namespace

std::string session_destination(const crypto::PublicKey& peer, std::string_view topic) {
  return std::string(1, '\0') + crypto::to_text(peer) + std::string(topic);
}

bool is_for_session(std::string_view destination) { return destination.starts_with('\0'); }

std::filesystem::path session_lock_file(const store::Home& home, std::string_view destination) {
  const auto digest = crypto::hash(as_bytes("STS 2 outbox"), as_bytes(destination));
  return home.outbox_lock_file(to_hex(ByteView(digest).first(8)));
}

std::string shown(std::string_view destination) {
  if (!is_for_session(destination)) return printable(destination);
  constexpr std::size_t key_size = 44;
  const auto key = destination.substr(1, key_size);
  return fmt::format("{} (for {})", printable(destination.substr(1 + key.size())), printable(key));
}

Bytes encode_for_session(std::string_view text) {
  Bytes out{for_session};
  append(out, as_bytes(text));
  return out;
}

std::optional<ByteView> decode_for_session(ByteView content) {
  if (content.empty() || content[0] != for_session) return std::nullopt;
  return content.subspan(1);
}

Bytes encode_for_outbox(const mqtt::Message& message) {
  const auto& properties = message.properties;
  Bytes out{for_channel};
  out.reserve(message.payload.size() + 64);
  out.push_back(static_cast<std::uint8_t>(static_cast<unsigned>(message.qos) |
                                          (message.retain ? retain_bit : 0U) |
                                          (properties.message_expiry ? expiry_bit : 0U)));
  if (properties.message_expiry) {
    put_varint(out, static_cast<std::uint64_t>(properties.message_expiry->count()));
  }
  put_sized(out, as_bytes(properties.content_type));
  put_varint(out, properties.user_properties.size());
  for (const auto& [name, value] : properties.user_properties) {
    put_sized(out, as_bytes(name));
    put_sized(out, as_bytes(value));
  }
  append(out, message.payload);
  return out;
}

std::optional<mqtt::Message> decode_from_outbox(std::string topic, ByteView content) {
  Reader in(content);
  const auto kind = in.u8();
  const auto flags = in.u8();
  mqtt::Message out;
  out.topic = std::move(topic);
  if (kind != for_channel || !flags || *flags > (qos_bits | retain_bit | expiry_bit) ||
      (*flags & qos_bits) == qos_bits ||
      !decode_properties(in, (*flags & expiry_bit) != 0, out.properties)) {
    return std::nullopt;
  }
  out.qos = static_cast<mqtt::Qos>(*flags & qos_bits);
  out.retain = (*flags & retain_bit) != 0;
  out.payload = to_bytes(in.rest());
  return out;
}

}  // namespace sts::client
