#include "client/outbox_message.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace sts::client {
namespace {

mqtt::Message everything() {
  mqtt::Message out{"a/b", to_bytes(as_bytes("21.5")), mqtt::Qos::exactly_once, true};
  out.properties.message_expiry = std::chrono::seconds(300);
  out.properties.content_type = "text/plain";
  out.properties.user_properties = {{"unit", "K"}, {"unit", ""}};
  return out;
}

TEST(OutboxMessage, ComesBackAsItWent) {
  for (const auto& message :
       {everything(), mqtt::Message{"a/b", {}, mqtt::Qos::at_least_once, false}}) {
    const auto back = decode_from_outbox("a/b", encode_for_outbox(message));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->topic, message.topic);
    EXPECT_EQ(back->payload, message.payload);
    EXPECT_EQ(back->qos, message.qos);
    EXPECT_EQ(back->retain, message.retain);
    EXPECT_EQ(back->properties, message.properties);
  }
}

TEST(OutboxMessage, IsNothingWhereItIsCutOrAnother) {
  const auto whole = encode_for_outbox(everything());
  for (std::size_t size = 0; size < whole.size() - 4; ++size) {  // the payload has no length
    EXPECT_FALSE(decode_from_outbox("a", ByteView(whole).first(size))) << size;
  }
  for (const auto flags : Bytes{0x03, 0x10, 0xFF}) {
    auto changed = whole;
    changed[1] = flags;
    EXPECT_FALSE(decode_from_outbox("a", changed));
  }
  auto other = whole;
  other[0] = 2;  // what a later version may put there
  EXPECT_FALSE(decode_from_outbox("a", other));
}

}  // namespace
}  // namespace sts::client
