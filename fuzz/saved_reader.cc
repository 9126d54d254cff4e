// Any bytes as what a reader has saved of a sender: what is read is sound, and comes back as it is.
#include "channel/saved_reader.h"

#include <cstdlib>

#include "live_session.h"

using namespace sts;
using namespace sts::channel;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto& sender = fuzz::identity(1).public_key;
  Bytes bytes{1};  // the version, and whose it is
  append(bytes, sender.bytes);
  append(bytes, {data, size});
  const Moment at{Instant{} + 24h, 1000};
  const auto memory = decode_memory(sender, bytes, at);
  if (!memory) return 0;
  const auto again = encode(sender, *memory, at);
  const auto same = decode_memory(sender, again, at);
  if (!same || encode(sender, *same, at) != again) std::abort();
  return 0;
}
