// Any bytes as a frame: what decodes encodes to the same bytes.
#include "protocol/frame.h"

#include <algorithm>
#include <cstdlib>

using namespace sts::protocol;

namespace {

sts::Bytes again(const Enc& frame) {
  sts::Bytes out;
  put_enc_header(out, frame.type, frame.receiver, frame.counter);
  sts::append(out, frame.ciphertext);
  return out;
}

sts::Bytes again(const Will& frame) {
  sts::Bytes out;
  put_will_header(out, frame.type, frame.connection);
  sts::append(out, frame.message);
  return out;
}

template <typename T>
sts::Bytes again(const T& frame) {
  return encode(frame);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const sts::ByteView in(data, size);
  const auto frame = decode(in);
  if (!frame) return 0;
  const auto out = std::visit([](const auto& it) { return again(it); }, *frame);
  if (!std::ranges::equal(in, out)) std::abort();
  return 0;
}
