// The end of a session, and giving messages up.
#include <gtest/gtest.h>

#include "protocol/network_for_tests.h"

namespace sts::protocol {
namespace {

TEST(PublishFailed, GivesUpOneFrameAndGoesOn) {
  Pair net;
  net.up();
  std::optional<Ticket> ticket;
  net.tap = [&](Network::Frame& frame) {
    if (ticket || !frame.messages) return true;
    ticket = frame.messages;
    return false;
  };
  for (const auto& text : numbered(3)) ASSERT_TRUE(net.send(net.i, net.r, text));
  net.publish_failed(net.i, *ticket);
  net.run_for(10s);
  EXPECT_EQ(net.received(net.r), (Texts{"1", "2"}));
  EXPECT_EQ(net.notices(net.i, NoticeKind::dropped), 1U);
  EXPECT_TRUE(net.all_acknowledged());
}

TEST(PublishFailed, ABrokerThatRefusesEverythingMakesNoLoop) {
  Pair net;
  net.up();
  net.tap = [](const Network::Frame&) { return false; };
  net.recorded.clear();
  ASSERT_TRUE(net.send(net.i, net.r, "hi"));
  for (std::size_t n = 0; n < net.recorded.size(); ++n) {
    ASSERT_LT(n, 10U);
    if (const auto ticket = net.recorded[n].messages) net.publish_failed(net.i, *ticket);
  }
  EXPECT_EQ(net.notices(net.i, NoticeKind::dropped), 1U);
}

class Kill : public testing::TestWithParam<bool> {
 protected:
  Network::Node from() { return GetParam() ? net_.i : net_.r; }
  Network::Node to() { return GetParam() ? net_.r : net_.i; }
  Pair net_;
};

TEST_P(Kill, ComesAfterAllData) {
  net_.up();
  for (const auto& text : numbered(100)) ASSERT_TRUE(net_.send(from(), to(), text));
  net_.kill(from(), to());
  EXPECT_TRUE(net_.all<Finished>(from()).empty());
  net_.run_for(1s);
  EXPECT_EQ(net_.received(to()), numbered(100));
  ASSERT_EQ(net_.all<Killed>(to()).size(), 1U);
  EXPECT_TRUE(std::holds_alternative<Killed>(net_.events(to()).back()));
  ASSERT_EQ(net_.all<Finished>(from()).size(), 1U);
}

TEST_P(Kill, IsTheLastWord) {
  net_.up();
  net_.kill(from(), to());
  ASSERT_TRUE(net_.send(from(), to(), "afterwards"));
  net_.run_for(10s);
  EXPECT_EQ(net_.received(to()), Texts{});
}

TEST_P(Kill, SaysWhatWasNotDelivered) {
  net_.up();
  net_.tap = [&](Network::Frame& frame) { return frame.from == from(); };
  for (const auto& text : numbered(3)) ASSERT_TRUE(net_.send(to(), from(), text));
  net_.kill(from(), to());
  net_.run_for(1s);
  ASSERT_EQ(net_.all<Killed>(to()).size(), 1U);
  EXPECT_EQ(net_.all<Killed>(to())[0].undelivered, 3U);
}

TEST_P(Kill, IsCarriedThroughAnyLossAndRepeatsNothing) {
  for (std::size_t lost = 0; lost < 12; ++lost) {
    SCOPED_TRACE("lost from: " + std::to_string(lost));
    Pair net;
    net.up();
    const auto sender = GetParam() ? net.i : net.r;
    const auto receiver = GetParam() ? net.r : net.i;
    std::size_t n = 0;
    net.tap = [&](auto&) {
      ++n;
      return n <= lost || n > lost + 4;
    };
    for (const auto& text : numbered(3)) ASSERT_TRUE(net.send(sender, receiver, text));
    net.kill(sender, receiver);
    net.run_for(5min);
    EXPECT_EQ(net.received(receiver), numbered(3));
    EXPECT_EQ(net.all<Killed>(receiver).size(), 1U);
    EXPECT_EQ(net.all<Finished>(sender).size(), 1U);
  }
}

TEST_P(Kill, OverARenewedSessionRepeatsNothing) {
  net_.up();
  // All that the receiver answers is lost until the sender has given the session up.
  net_.tap = [&](Network::Frame& frame) { return frame.from == from(); };
  for (const auto& text : numbered(3)) ASSERT_TRUE(net_.send(from(), to(), text));
  net_.kill(from(), to());
  net_.run_for(10min);
  net_.tap = {};
  net_.run_for(5min);
  EXPECT_EQ(net_.received(to()), numbered(3));
  EXPECT_EQ(net_.all<Killed>(to()).size(), 1U);
  EXPECT_EQ(net_.all<Up>(to()).size(), 1U);
  EXPECT_EQ(net_.all<Finished>(from()).size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(From, Kill, testing::Bool(), [](const auto& from) {
  return std::string(from.param ? "Initiator" : "Responder");
});

TEST(Killed, APeerMayComeBack) {
  Pair net;
  net.up();
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(net.send(net.i, net.r, "a"));
    net.kill(net.i, net.r);
    net.run_for(1s);
    EXPECT_EQ(net.link(net.r, net.i), nullptr);
    EXPECT_TRUE(net.endpoint(net.r).links().empty());
    net.recorded.clear();
    net.offline(net.i);
    net.run_for(10min);
    EXPECT_TRUE(net.recorded.empty()) << "a killed session has no heartbeat";
    net.restart(net.i);
    net.run_for(1s);
    ASSERT_TRUE(net.is_up());
    EXPECT_FALSE(net.all<Up>(net.r).back().renewed);
    ASSERT_TRUE(net.send(net.r, net.i, "b"));
    net.run_for(1s);
    EXPECT_EQ(net.received(net.i), Texts{"b"});
  }
  EXPECT_EQ(net.all<Killed>(net.r).size(), 3U);
  EXPECT_EQ(net.received(net.r).size(), 3U);
}

TEST(Killed, OthersGoOn) {
  Network net;
  const auto r = net.add({.role = noise::Role::responder, .identity = 9, .peers = {{1}, {2}}});
  const auto a = net.add({.identity = 1, .peers = {{9}}});
  const auto b = net.add({.identity = 2, .peers = {{9}}});
  for (const auto node : {r, a, b}) net.online(node);
  net.run_for(30s);
  net.kill(a, r);
  net.run_for(1s);
  EXPECT_EQ(net.endpoint(r).links().size(), 1U);
  ASSERT_TRUE(net.send(r, b, "still here"));
  net.run_for(1s);
  EXPECT_EQ(net.received(b), Texts{"still here"});
}

}  // namespace
}  // namespace sts::protocol
