// Invites: one token that makes two sides trust each other. docs/protocol.md, Invites.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/keys.h"

namespace sts::protocol {

/// What a token says.
struct Invite {
  static constexpr std::uint32_t longest_lifetime = 7 * 86400;  // seconds
  static constexpr std::size_t longest_url = 255;               // bytes

  crypto::Secret<16> secret;  // random
  crypto::PublicKey inviter;
  std::uint32_t created = 0;   // seconds since 1970
  std::uint32_t lifetime = 0;  // seconds, 1 to longest_lifetime
  /// Of the broker: mqtt://HOST:PORT or mqtts://HOST:PORT, at most longest_url; empty: not told.
  std::string url = {};
};

/// The token, which is as secret as what is in it: the caller wipes the text.
std::string encode(const Invite& invite);
/// Errc::malformed for what is no token; says so without repeating it.
Result<Invite> decode_invite(std::string_view token);

/// Errc::refused where the token has expired at `now`, seconds since 1970, or where that is before
/// it was made.
Result<void> check_time(const Invite& invite, std::int64_t now);

/// What the session of an invite is made with. The topics tell nothing about the PSK.
crypto::Psk invite_psk(const Invite& invite);
struct InviteTopics {
  std::string joiner, inviter;  // each publishes on its own
};
InviteTopics invite_topics(const Invite& invite);

/// The joiner's only message: it has stored the inviter's key.
inline constexpr std::string_view joined = "joined";

}  // namespace sts::protocol
