#include "protocol/invite.h"

#include <algorithm>

#include "base/hex.h"
#include "base/reader.h"
#include "base/text.h"
#include "crypto/base64.h"
#include "crypto/hash.h"

namespace sts::protocol {
namespace {

constexpr std::uint8_t version = 1;
constexpr std::size_t check_size = 4;
constexpr std::size_t least_size = 1 + 16 + crypto::PublicKey::size + 4 + 4 + check_size;
// How far the joiner's clock may be behind the inviter's, in seconds.
constexpr std::int64_t clock_tolerance = 120;

/// mqtt://HOST:PORT or mqtts://HOST:PORT, without a login. Whether they are a host and a port shows
/// when they are used.
bool names_broker(std::string_view url) {
  for (const std::string_view scheme : {"mqtt://", "mqtts://"}) {
    if (!url.starts_with(scheme)) continue;
    url.remove_prefix(scheme.size());
    const auto colon = url.rfind(':');
    return colon != std::string_view::npos && colon > 0 && colon + 1 < url.size() &&
           url.find_first_of("@/ ") == std::string_view::npos && printable(url) == url;
  }
  return false;
}

/// Bytes with the secret in them.
struct Wiped {
  Bytes bytes;
  explicit Wiped(Bytes secret = {}) : bytes(std::move(secret)) {}
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { sodium_memzero(bytes.data(), bytes.size()); }
};

void put_body(Bytes& out, const Invite& invite) {
  out.reserve(least_size + invite.url.size());  // no copy is left behind
  out.push_back(version);
  append(out, invite.secret.bytes());
  append(out, invite.inviter.view());
  put_u32(out, invite.created);
  put_u32(out, invite.lifetime);
  append(out, as_bytes(invite.url));
}

Bytes check_of(ByteView body) {
  const auto hash = crypto::hash(as_bytes("STS 2 invite check"), body);
  return to_bytes(ByteView(hash).first(check_size));
}

}  // namespace

std::string encode(const Invite& invite) {
  Wiped token;
  put_body(token.bytes, invite);
  append(token.bytes, check_of(token.bytes));
  return crypto::to_base64url(token.bytes);
}

Result<Invite> decode_invite(std::string_view token) {
  const auto malformed = [](const char* why) {
    return fail(Errc::malformed, why, "copy all of what 'sts invite' printed on the other side");
  };
  auto decoded = crypto::from_base64url(token);
  if (!decoded) return malformed("this is no token, or one with a typing error");
  const Wiped wiped(std::move(*decoded));
  const ByteView bytes = wiped.bytes;
  if (bytes.size() < least_size) return malformed("this is no token, or only a part of one");
  const auto body = bytes.first(bytes.size() - check_size);
  if (!std::ranges::equal(check_of(body), bytes.last(check_size))) {
    return malformed("this token has a typing error");
  }
  Reader reader(body);
  if (reader.u8() != version) {
    return fail(Errc::malformed, "this token is of another version of STS",
                "run the same version on both sides");
  }
  Invite invite;
  std::ranges::copy(*reader.take(16), invite.secret.writable().begin());
  invite.inviter.bytes = *reader.array<crypto::PublicKey::size>();
  invite.created = *reader.u32();
  invite.lifetime = *reader.u32();
  invite.url = as_text(reader.rest());
  if (invite.lifetime == 0 || invite.lifetime > Invite::longest_lifetime ||
      invite.url.size() > Invite::longest_url ||
      (!invite.url.empty() && !names_broker(invite.url))) {
    return malformed("this token says what no token does");
  }
  return invite;
}

Result<void> check_time(const Invite& invite, std::int64_t now) {
  if (now + clock_tolerance < invite.created) {
    return fail(Errc::refused,
                "the token counts as expired: this machine's clock is before its making",
                "set the clock: date");
  }
  if (now >= std::int64_t{invite.created} + invite.lifetime) {
    return fail(Errc::refused, "the token has expired",
                "ask for a new one; if it is new, set this machine's clock: date");
  }
  return {};
}

crypto::Psk invite_psk(const Invite& invite) {
  Wiped body;
  put_body(body.bytes, invite);
  const auto key = crypto::hmac(invite.secret.bytes(), as_bytes("STS 2 invite psk"), body.bytes);
  return crypto::Psk(key.bytes().first<crypto::Psk::size>());
}

InviteTopics invite_topics(const Invite& invite) {
  const auto id = crypto::hmac(invite.secret.bytes(), as_bytes("STS 2 invite topic"));
  const auto prefix = "sts-invite/" + to_hex(id.bytes().first<16>());
  return {prefix + "/join", prefix + "/invite"};
}

}  // namespace sts::protocol
