#include "legacy/message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/hex.h"

namespace sts::legacy {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<SetupMessage>> names = {
    "INITREQ:", "INITACK:", "KEYREQ:", "KEYACK:"};
constexpr std::string_view initreq_data = "request";

/// Whole bytes in upper case, without leading zero bytes.
std::string to_hex(const PublicKey::Coordinate& number) {
  const auto* const first = std::ranges::find_if(number, [](auto byte) { return byte != 0; });
  return fmt::format("{:02X}", fmt::join(first, number.end(), ""));
}

std::optional<PublicKey::Coordinate> from_hex(std::string_view digits) {
  PublicKey::Coordinate number{};
  if (digits.empty() || digits.size() > 2 * number.size()) return std::nullopt;
  const auto bytes =
      sts::from_hex(std::string(2 * number.size() - digits.size(), '0').append(digits));
  if (!bytes) return std::nullopt;
  std::ranges::copy(*bytes, number.begin());
  return number;
}

std::optional<SetupMessage> decode_keyreq(std::string_view data) {
  const auto y_at = data.find('Y');
  if (!data.starts_with('X') || y_at == std::string_view::npos) return std::nullopt;
  const auto x = from_hex(data.substr(1, y_at - 1));
  if (!x) return std::nullopt;
  KeyReq request{{.x = *x, .y = {}}};
  const auto y_hex = data.substr(y_at + 1);
  if (!y_hex.empty()) {
    request.key.y = from_hex(y_hex);
    if (!request.key.y) return std::nullopt;
  }
  return request;
}

}  // namespace

std::string_view name(const SetupMessage& message) { return names.at(message.index()); }

Bytes encode(const SetupMessage& message) {
  std::string text(name(message));
  if (std::holds_alternative<InitReq>(message)) text += initreq_data;
  if (const auto* request = std::get_if<KeyReq>(&message)) {
    const auto& key = request->key;
    text += fmt::format("X{}Y{}", to_hex(key.x), key.y ? to_hex(*key.y) : "");
  }
  return to_bytes(as_bytes(text));
}

std::optional<SetupMessage> decode(ByteView payload) {
  const auto text = as_text(payload);
  const auto header = text.substr(0, text.find(':') + 1);
  const auto data = text.substr(header.size());
  if (header == "INITREQ:" && data == initreq_data) return InitReq{};
  if (header == "INITACK:" && data.empty()) return InitAck{};
  if (header == "KEYREQ:") return decode_keyreq(data);
  if (header == "KEYACK:" && data.empty()) return KeyAck{};
  return std::nullopt;
}

}  // namespace sts::legacy
