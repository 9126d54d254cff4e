#include "channel/names.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hex.h"
#include "crypto/hash.h"

namespace sts::channel {

SenderId sender_id(const crypto::PublicKey& sender) {
  const auto digest = crypto::hash(as_bytes("STS 2 sender"), sender.view());
  SenderId out;
  std::copy_n(digest.begin(), out.bytes.size(), out.bytes.begin());
  return out;
}

std::string key_topic(std::string_view prefix, const SenderId& sender, const KeyId& key,
                      std::size_t part) {
  auto topic = fmt::format("{}/{}/{}", prefix, to_hex(sender.bytes), to_hex(key.bytes));
  return part == 0 ? topic : fmt::format("{}-{}", topic, part);
}

std::string key_filter(std::string_view prefix, const SenderId& sender) {
  return fmt::format("{}/{}/+", prefix, to_hex(sender.bytes));
}

std::string own_key_filter(std::string_view prefix, const SenderId& sender) {
  return fmt::format("{}/{}/#", prefix, to_hex(sender.bytes));
}

std::optional<SenderId> sender_of_key_topic(std::string_view prefix, std::string_view topic) {
  constexpr std::size_t digits = 16;
  if (!topic.starts_with(prefix)) return std::nullopt;
  topic.remove_prefix(prefix.size());
  if (topic.size() < 1 + digits + 1 + digits || topic[0] != '/' || topic[1 + digits] != '/') {
    return std::nullopt;
  }
  const auto bytes = from_hex(topic.substr(1, digits));
  if (!bytes) return std::nullopt;
  SenderId out;
  std::ranges::copy(*bytes, out.bytes.begin());
  return out;
}

}  // namespace sts::channel
