#include "channel/saved_sender.h"

#include <gtest/gtest.h>

#include "channel/world_for_tests.h"

namespace sts::channel {
namespace {

crypto::WipedBytes example() {
  World world;
  world.members.push_back({test_identity(50).public_key});
  for (const auto& one : world.begin_epoch()) world.publish(one);
  world.seal("a", "x");
  world.seal("b", "retained", true);
  world.seal("c", std::string(retained_bytes, 'x'), true);
  return encode({world.sender->save(), {{"t", {1, 2, 3}}}});
}

TEST(SavedSender, ComesBackWhole) {
  const auto bytes = example();
  const auto saved = decode_saved_sender(bytes);
  ASSERT_TRUE(saved);
  EXPECT_EQ(saved->sender.epoch->next.at("a"), 1U);
  EXPECT_TRUE(saved->sender.retained.at("b").content);
  EXPECT_FALSE(saved->sender.retained.at("c").content);
  EXPECT_EQ(saved->sender.packets.size(), 1U);
  EXPECT_EQ(saved->sender.epoch->keys.size(), 1U);
  EXPECT_EQ(saved->unconfirmed[0].payload, (Bytes{1, 2, 3}));
  EXPECT_EQ(encode(*saved), bytes);
  EXPECT_EQ(encode(*decode_saved_sender(encode(SavedSender{}))), encode(SavedSender{}));
}

TEST(SavedSender, TheWholeOrNothing) {
  auto bytes = example();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_saved_sender(ByteView(bytes).first(size))) << size;
  }
  bytes.push_back(0);
  EXPECT_FALSE(decode_saved_sender(bytes));
}

}  // namespace
}  // namespace sts::channel
