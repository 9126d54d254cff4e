// Many messages at once, over STS 2 and a broker that answers.
#include "client/pair_world.h"

namespace sts::client {
namespace {

class BurstTest : public PairWorld {};

TEST_F(BurstTest, SharesFrames) {
  start_both();
  broker.published.clear();
  Strings sent;
  for (int n = 0; n < 500; ++n) {
    sent.push_back(std::to_string(n));
    ASSERT_TRUE(master->send_encrypted(sent.back()));
  }
  run();
  EXPECT_EQ(slave.seen.messages, sent);
  const auto frames = std::ranges::count(broker.published, "up", &mqtt::Message::topic);
  EXPECT_LE(frames, static_cast<std::ptrdiff_t>(protocol::frames_unanswered) + 1);
}

TEST_F(BurstTest, OfMoreThanTheBufferHoldsGoesOnWhenThereIsRoom) {
  start_both();
  Strings sent;
  int rest = 20'000;
  const auto send = [&] {
    for (; rest > 0; --rest) {
      if (!master->send_encrypted(std::to_string(rest))) return;
      sent.push_back(std::to_string(rest));
    }
  };
  master.seen.room_hook = send;
  send();
  EXPECT_GT(rest, 0);
  run();  // no time passes
  EXPECT_EQ(rest, 0);
  run_for(std::chrono::seconds(1));
  EXPECT_EQ(slave.seen.messages, sent);
}

}  // namespace
}  // namespace sts::client
