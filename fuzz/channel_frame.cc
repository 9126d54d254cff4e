// Any bytes as a channel's message or will, and as the plaintext within one: what decodes encodes
// to the same bytes, or what is in another order or padded to something that decodes alike.
#include <algorithm>
#include <cstdlib>

#include "channel/content.h"
#include "channel/frame.h"
#include "channel/limits.h"

using namespace sts;
using namespace sts::channel;

namespace {

void check(bool good) {
  if (!good) std::abort();
}

void frame(ByteView in) {
  const auto sealed = decode_sealed(in);
  if (!sealed) return;
  Bytes again;
  if (sealed->type == FrameType::message) {
    put_message_header(again, sealed->key, sealed->counter);
  } else {
    put_will_header(again, sealed->key, sealed->connection);
  }
  check(std::ranges::equal(again, sealed->header));
  append(again, sealed->body);
  check(std::ranges::equal(again, in));
}

void content(ByteView in) {
  const auto decoded = decode_content(in);
  if (!decoded) return;
  check(well_formed(*decoded));
  for (const auto pad : {Pad::none, Pad::to_16, Pad::padme}) {
    const Bytes encoded = encode(*decoded, pad);
    const auto again = decode_content(encoded);
    check(again.has_value());
    check(encode(*again, pad) == encoded);
    check(again->payload.has_value() == decoded->payload.has_value());
    check(!again->payload || std::ranges::equal(*again->payload, *decoded->payload));
    check(again->user_properties == decoded->user_properties);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  frame({data, size});
  content({data, size});
  return 0;
}
