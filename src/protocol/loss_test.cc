// Lost, doubled and late frames, and outages of the broker.
#include <gtest/gtest.h>

#include "protocol/network_for_tests.h"

namespace sts::protocol {
namespace {

// Both talk, pause, and renew their keys. Returns how many frames that took.
std::size_t conversation(const std::function<bool(Pair&, std::size_t, Network::Frame&)>& hook) {
  Pair net(rekeying_every(20));
  std::size_t published = 0;
  net.tap = [&](Network::Frame& frame) { return hook(net, published++, frame); };
  net.online(net.r);
  net.online(net.i);
  net.run_for(1min);
  EXPECT_TRUE(net.is_up());
  if (!net.is_up()) return 0;
  for (int n = 0; n < 30; ++n) {
    EXPECT_TRUE(net.send(net.i, net.r, "up" + std::to_string(n)));
    if (n % 3 == 0) {
      EXPECT_TRUE(net.send(net.r, net.i, "down" + std::to_string(n / 3)));
    }
    if (n % 4 == 0) net.run_for(50ms);
    if (n == 20) net.run_for(5s);
  }
  net.run_for(3min);
  EXPECT_EQ(net.received(net.r), numbered(30, "up"));
  EXPECT_EQ(net.received(net.i), numbered(10, "down"));
  EXPECT_TRUE(net.all_acknowledged());
  EXPECT_GT(net.all<Up>(net.i).size(), 1U) << "no rekey took place";
  for (const auto node : {net.i, net.r}) {
    for (const auto& up : net.all<Up>(node)) EXPECT_FALSE(up.peer_restarted);
  }
  return published;
}

TEST(Loss, OfAnySingleFrameLosesNothing) {
  const auto frames = conversation([](auto&, auto, auto&) { return true; });
  ASSERT_GT(frames, 40U);
  for (std::size_t lost = 0; lost < frames + 10 && !testing::Test::HasFailure(); ++lost) {
    SCOPED_TRACE("lost: " + std::to_string(lost));
    conversation([&](auto&, std::size_t n, auto&) { return n != lost; });
  }
}

TEST(Loss, OfAnyThreeFramesInARowLosesNothing) {
  for (std::size_t lost = 0; lost < 80 && !testing::Test::HasFailure(); ++lost) {
    SCOPED_TRACE("lost from: " + std::to_string(lost));
    conversation([&](auto&, std::size_t n, auto&) { return n < lost || n >= lost + 3; });
  }
}

TEST(Loss, ADoubledFrameArrivesOnce) {
  for (std::size_t doubled = 0; doubled < 80 && !testing::Test::HasFailure(); ++doubled) {
    SCOPED_TRACE("doubled: " + std::to_string(doubled));
    conversation([&](Pair& net, std::size_t n, Network::Frame& frame) {
      if (n == doubled) net.queue.push_back(frame);
      return true;
    });
  }
}

TEST(Loss, ALateFrameIsInOrder) {
  for (std::size_t late = 0; late < 80 && !testing::Test::HasFailure(); ++late) {
    SCOPED_TRACE("late: " + std::to_string(late));
    std::optional<Network::Frame> kept;
    conversation([&](Pair& net, std::size_t n, Network::Frame& frame) {
      if (n == late + 5 && kept) net.queue.push_back(*kept);
      if (n == late) kept = frame;
      return n != late;
    });
  }
}

TEST(Loss, OfTheTailIsNoticed) {
  Pair net;
  net.up();
  ASSERT_TRUE(net.send(net.i, net.r, "first"));
  net.run_for(1s);
  net.tap = [](auto&) { return false; };
  ASSERT_TRUE(net.send(net.i, net.r, "tail"));
  net.run_for(1s);
  net.tap = {};
  net.run_for(probe_after + 2s);
  EXPECT_EQ(net.received(net.r), (Texts{"first", "tail"}));
  EXPECT_TRUE(net.all_acknowledged());
}

TEST(Loss, OfAcknowledgementsRepeatsNothing) {
  Pair net;
  net.up();
  net.tap = [&](Network::Frame& frame) { return frame.from != net.r; };
  for (const auto& text : numbered(20)) {
    ASSERT_TRUE(net.send(net.i, net.r, text));
    net.run_for(500ms);
  }
  net.tap = {};
  net.run_for(2min);
  EXPECT_EQ(net.received(net.r), numbered(20));
  EXPECT_TRUE(net.all_acknowledged());
}

TEST(Loss, AnIdleSessionIsQuiet) {
  Pair net;
  net.up();
  ASSERT_TRUE(net.send(net.i, net.r, "hi"));
  net.run_for(1s);
  net.recorded.clear();
  net.run_for(10min);
  // A PING from each side each minute, and its answer.
  EXPECT_LE(net.recorded.size(), 40U);
  EXPECT_GE(net.recorded.size(), 10U);
}

TEST(Loss, WithoutHeartbeatAnIdleSessionIsSilent) {
  Limits limits;
  limits.heartbeat = 0s;
  Pair net(limits);
  net.up();
  net.recorded.clear();
  net.run_for(50min);
  EXPECT_TRUE(net.recorded.empty());
}

TEST(Loss, SilenceIsToldOnceAndSoIsItsEnd) {
  Pair net;
  net.up();
  ASSERT_TRUE(net.send(net.r, net.i, "hi"));
  net.run_for(1s);
  net.tap = [](auto&) { return false; };
  ASSERT_TRUE(net.send(net.i, net.r, "waits"));
  net.run_for(10min);
  EXPECT_EQ(net.notices(net.i, NoticeKind::silent), 1U);
  EXPECT_TRUE(net.link(net.i, net.r)->silent());
  net.tap = {};
  net.run_for(2min);
  EXPECT_EQ(net.notices(net.i, NoticeKind::back), 1U);
  EXPECT_EQ(net.received(net.r), Texts{"waits"});
  EXPECT_TRUE(net.all_acknowledged());
}

TEST(Outage, OfTheBrokerKeepsTheSession) {
  Pair net;
  net.up();
  const auto* session = net.link(net.i, net.r)->current();
  for (int outage = 0; outage < 5; ++outage) {
    ASSERT_TRUE(net.send(net.i, net.r, "before"));
    ASSERT_TRUE(net.send(net.r, net.i, "before"));
    net.queue.clear();  // what was in the socket is gone
    net.offline(net.i);
    net.offline(net.r);
    ASSERT_TRUE(net.send(net.i, net.r, "meanwhile"));
    ASSERT_TRUE(net.send(net.r, net.i, "meanwhile"));
    net.run_for(10min);
    net.online(net.r);
    net.online(net.i);
    net.run_for(probe_after + 2s);
    EXPECT_EQ(net.received(net.r).size(), 2U * static_cast<std::size_t>(outage + 1));
    EXPECT_EQ(net.received(net.i), net.received(net.r));
    EXPECT_TRUE(net.all_acknowledged());
  }
  EXPECT_EQ(net.link(net.i, net.r)->current(), session);
  EXPECT_EQ(net.notices(net.i, NoticeKind::silent), 0U);
}

TEST(Outage, LongerThanTheKeysLiveRenewsThem) {
  Pair net;
  net.up();
  net.offline(net.i);
  net.offline(net.r);
  ASSERT_TRUE(net.send(net.i, net.r, "meanwhile"));
  ASSERT_TRUE(net.send(net.r, net.i, "meanwhile"));
  net.run_for(5h);
  net.online(net.i);
  net.online(net.r);
  net.run_for(1min);
  EXPECT_EQ(net.received(net.r), Texts{"meanwhile"});
  EXPECT_EQ(net.received(net.i), Texts{"meanwhile"});
  EXPECT_TRUE(net.all_acknowledged());
}

}  // namespace
}  // namespace sts::protocol
