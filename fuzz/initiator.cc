// What a broker can do to an initiator.
#include "live_session.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sts::fuzz::LiveSession session;
  session.play(session.initiator, {data, size});
  return 0;
}
