// What a broker can do to a responder.
#include "live_session.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sts::fuzz::LiveSession session;
  session.play(session.responder, {data, size});
  return 0;
}
