#include "cli/inbox_batch.h"

#include "base/time.h"
#include "cli/format_json.h"

namespace sts::cli {
namespace {

constexpr std::size_t full_size = std::size_t{1} << 20U;

store::Inbox::Message row(const client::Received& received) {
  const auto& message = received.message;
  store::Inbox::Message out;
  out.received_ms = unix_ms(received.at);
  if (received.sent) out.sent_ms = unix_ms(*received.sent);
  out.sender = received.sender;
  if (received.sender_key) out.sender_key = crypto::to_text(*received.sender_key);
  out.topic = message.topic;
  out.payload = message.payload;
  out.content_type = message.properties.content_type;
  out.properties = properties_json(message.properties);
  if (received.number) {
    out.epoch = received.number->epoch;
    out.counter = received.number->counter;
  }
  if (received.durable) {
    out.durable_stream = to_bytes(received.durable->stream.bytes);
    out.durable_number = received.durable->number;
  }
  out.retain = message.retain;
  out.late = received.late;
  out.will = received.will;
  return out;
}

}  // namespace

void InboxBatch::add(const client::Received& received) {
  messages_.push_back(received);
  bytes_ += received.message.payload.size();
}

bool InboxBatch::full() const { return bytes_ >= full_size; }

std::vector<store::Inbox::Message> InboxBatch::rows() const {
  std::vector<store::Inbox::Message> out;
  out.reserve(messages_.size());
  for (const auto& one : messages_) out.push_back(row(one));
  return out;
}

void InboxBatch::clear() {
  messages_.clear();
  bytes_ = 0;
}

}  // namespace sts::cli
