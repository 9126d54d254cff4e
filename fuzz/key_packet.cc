// Any bytes as a key packet: its header encodes to the same bytes, and no wrap in it opens.
#include "channel/key_packet.h"

#include <algorithm>
#include <cstdlib>

#include "live_session.h"

using namespace sts;
using namespace sts::channel;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto shared =
      *crypto::dh(fuzz::identity(1).private_key, fuzz::identity(2).public_key);
  const auto packet = decode_key_packet({data, size});
  if (!packet) return 0;
  if (!std::ranges::equal(encode(packet->header), packet->header_bytes)) std::abort();
  const WrapContext who{fuzz::identity(1), fuzz::identity(2).public_key, shared};
  for (const auto wrap : find_wraps(*packet, who)) {
    if (open_wrap(wrap, packet->header_bytes, who)) std::abort();
  }
  return 0;
}
