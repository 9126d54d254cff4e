// Any bytes as a Resume: what decodes encodes to the same bytes.
#include <algorithm>
#include <cstdlib>

#include "protocol/record.h"

using namespace sts::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::optional<Resume> resume;
  const sts::ByteView in(data, size);
  if (decode_resume(in, resume) && !std::ranges::equal(in, encode_resume(resume))) std::abort();
  return 0;
}
