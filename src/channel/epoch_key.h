// The key of an epoch and what follows from it.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/random.h"
#include "channel/names.h"
#include "crypto/secret.h"
#include "crypto/signature.h"

namespace sts::channel {

/// 32 random bytes that the readers of one epoch share with the sender.
class EpochKey : public crypto::Secret<32> {
 public:
  using Secret::Secret;
  explicit EpochKey(crypto::Secret<32> bytes) : Secret(std::move(bytes)) {}
  static EpochKey generate(Random& random);
  EpochKey clone() const { return EpochKey(Secret::clone()); }
};

KeyId key_id(const EpochKey& key, ByteView header);
/// Seals the messages of one topic: on another topic they don't open.
crypto::Secret<32> message_key(const EpochKey& key, std::string_view topic);
/// Seals the will of one connection, once.
crypto::Secret<32> will_key(const EpochKey& key, const ConnectionId& connection,
                            std::string_view topic);
/// What a sender signs with where it signs. It follows from the identity, so that it needs no file.
crypto::SigningKey signing_key(const crypto::PrivateKey& sender);

}  // namespace sts::channel
