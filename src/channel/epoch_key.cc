#include "channel/epoch_key.h"

#include <algorithm>

#include "crypto/hash.h"

namespace sts::channel {

EpochKey EpochKey::generate(Random& random) {
  EpochKey out;
  random.fill(out.writable());
  return out;
}

KeyId key_id(const EpochKey& key, ByteView header) {
  const auto derived = crypto::kdf(key.bytes(), "STS 2 key id", header);
  KeyId out;
  std::copy_n(derived.bytes().begin(), out.bytes.size(), out.bytes.begin());
  return out;
}

crypto::Secret<32> message_key(const EpochKey& key, std::string_view topic) {
  return crypto::kdf(key.bytes(), "STS 2 topic", as_bytes(topic));
}

crypto::Secret<32> will_key(const EpochKey& key, const ConnectionId& connection,
                            std::string_view topic) {
  Bytes data = to_bytes(connection.bytes);
  append(data, as_bytes(topic));
  return crypto::kdf(key.bytes(), "STS 2 will", data);
}

crypto::SigningKey signing_key(const crypto::PrivateKey& sender) {
  return crypto::SigningKey::from_seed(crypto::kdf(sender.bytes(), "STS 2 signing key"));
}

}  // namespace sts::channel
