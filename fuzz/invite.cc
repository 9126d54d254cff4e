// Any text as a token: what decodes encodes to the same text, and gives topics and a PSK. Since
// nearly no text has the right check, the bytes are also taken for a token's body.
#include "protocol/invite.h"

#include <cstdlib>

#include "crypto/base64.h"
#include "crypto/hash.h"

using namespace sts;

namespace {

void decode(std::string_view token) {
  const auto invite = protocol::decode_invite(token);
  if (!invite) return;
  if (protocol::encode(*invite) != token) std::abort();
  if (!protocol::check_time(*invite, std::int64_t{invite->created})) std::abort();
  if (protocol::check_time(*invite, std::int64_t{invite->created} + invite->lifetime)) std::abort();
  if (protocol::invite_topics(*invite).joiner.empty()) std::abort();
  if (protocol::invite_psk(*invite) == crypto::Psk()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView in(data, size);
  decode(as_text(in));
  Bytes token = to_bytes(in);
  const auto check = crypto::hash(as_bytes("STS 2 invite check"), in);
  append(token, ByteView(check).first(4));
  decode(crypto::to_base64url(token));
  return 0;
}
