// From the outbox to the broker, and what is said where that fails.
#include "client/outbox_delivery.h"

#include "client/channel_world.h"
#include "client/outbox_message.h"

namespace sts::client {
namespace {

struct OutboxDeliveryTest : ChannelWorld {
  OutboxDeliveryTest() {
    const auto self = store::load_or_create_identity(pump_.home(), random_);
    auto state = store::State::open(pump_.home(), self->pair.private_key, random_);
    outbox_.emplace(*store::Outbox::open(std::move(*state), {}));
    for (const auto* text : {"1", "2"}) {
      const auto clear = message(text);
      const std::vector<store::Outbox::Message> accepted{
          {clear.topic, encode_for_outbox(clear), *writer_.audience(clear.topic)}};
      EXPECT_TRUE(outbox_->accept(accepted, 1));
    }
  }
  OutboxDelivery delivery(std::size_t packet_max) {
    return {*outbox_,
            writer_,
            [this] { return wall_; },
            {[this, packet_max](const mqtt::Message& one) -> Result<mqtt::PublishId> {
               if (one.payload.size() > packet_max) return fail(Errc::limit, "too large");
               published_.push_back(one.topic);
               return published_.size();
             },
             [](const Line&) {}}};
  }

  ChannelWriter writer_ = writer(true);
  std::optional<store::Outbox> outbox_;
  std::vector<std::string> published_;
};

TEST_F(OutboxDeliveryTest, WhatTheBrokerHasIsTakenOut) {
  auto to_broker = delivery(1000);
  EXPECT_TRUE(to_broker.online(false));
  ASSERT_EQ(published_.size(), 3U);  // the key and the messages
  for (const mqtt::PublishId id : {1U, 2U, 3U}) EXPECT_TRUE(to_broker.published(id, {}));
  EXPECT_EQ(outbox_->stats()->messages, 0U);
  EXPECT_TRUE(to_broker.idle());
}

TEST_F(OutboxDeliveryTest, NothingGoesWhoseKeyCannot) {
  auto to_broker = delivery(100);
  EXPECT_FALSE(to_broker.online(false));
  EXPECT_FALSE(to_broker.more());
  EXPECT_TRUE(published_.empty());
  EXPECT_EQ(outbox_->stats()->messages, 2U);
  EXPECT_TRUE(to_broker.idle());
}

TEST_F(OutboxDeliveryTest, NothingIsTakenOutWhoseKeyTheBrokerRefuses) {
  auto to_broker = delivery(1000);
  EXPECT_TRUE(to_broker.online(false));
  EXPECT_FALSE(to_broker.published(1, fail(Errc::refused, "not authorized")));
  for (const mqtt::PublishId id : {2U, 3U}) EXPECT_FALSE(to_broker.published(id, {}));
  EXPECT_EQ(outbox_->stats()->messages, 2U);
}

}  // namespace
}  // namespace sts::client
