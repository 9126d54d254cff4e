// Any bytes as the plaintext of an ENC.
#include <cstdlib>

#include "protocol/durable.h"
#include "protocol/record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto records = sts::protocol::decode_records({data, size});
  if (!records) return 0;
  std::size_t total = 0;
  for (const auto& [type, body] : records->messages) {
    total += body.size();
    const auto durable = sts::protocol::decode_durable(body);
    if (durable && durable->number.gap > durable->number.number) std::abort();
    static_cast<void>(sts::protocol::decode_taken(body));
  }
  if (total > size) std::abort();
  if (records->ack && records->ack->gap_end < records->ack->next) std::abort();
  if (records->resent && records->resent->gap > records->resent->number) std::abort();
  return 0;
}
