// Processes that die and come back without memory.
#include <gtest/gtest.h>

#include "protocol/network_for_tests.h"

namespace sts::protocol {
namespace {

class Restart : public testing::TestWithParam<bool> {
 protected:
  Restart() { net_.up(); }
  Network::Node survivor() { return GetParam() ? net_.i : net_.r; }
  Network::Node dies() { return GetParam() ? net_.r : net_.i; }
  Pair net_;
};

TEST_P(Restart, WhatWasNotAcknowledgedGoesToTheNewProcess) {
  ASSERT_TRUE(net_.send(survivor(), dies(), "old"));
  net_.run_for(1s);
  net_.offline(dies());
  for (const auto& text : numbered(5)) ASSERT_TRUE(net_.send(survivor(), dies(), text));
  net_.run_for(5s);
  net_.restart(dies());
  net_.run_for(1min);
  EXPECT_EQ(net_.received(dies()), numbered(5));
  ASSERT_EQ(net_.all<Up>(survivor()).size(), 2U);
  EXPECT_TRUE(net_.all<Up>(survivor())[1].peer_restarted);
  EXPECT_FALSE(net_.all<Up>(dies())[0].peer_restarted);
  EXPECT_TRUE(net_.all_acknowledged());
  ASSERT_TRUE(net_.send(dies(), survivor(), "new"));
  net_.run_for(1s);
  EXPECT_EQ(net_.received(survivor()), Texts{"new"});
}

TEST_P(Restart, OverAndOver) {
  Texts sent;
  for (int round = 0; round < 10; ++round) {
    net_.restart(dies());
    net_.run_for(30s);
    ASSERT_TRUE(net_.is_up()) << round;
    const std::string text = std::to_string(round);
    sent.push_back(text);
    ASSERT_TRUE(net_.send(dies(), survivor(), text));
    net_.run_for(1s);
    ASSERT_EQ(net_.received(survivor()), sent);
  }
}

TEST_P(Restart, AnAcknowledgementOfTheDeadProcessDoesNotStopTheStream) {
  // The dead process acknowledged "0", but the broker keeps that back ...
  std::vector<Network::Frame> withheld;
  net_.tap = [&](Network::Frame& frame) {
    if (frame.from != dies()) return true;
    withheld.push_back(frame);
    return false;
  };
  ASSERT_TRUE(net_.send(survivor(), dies(), "0"));
  net_.run_for(1s);
  ASSERT_FALSE(withheld.empty());
  // ... until the survivor has told the new process, in KEYACK, where its stream goes on.
  net_.tap = [&](Network::Frame& frame) {
    return frame.from != net_.r || frame.bytes[0] != 6;  // no CONFIRM yet
  };
  net_.restart(dies());
  net_.run_for(5s);
  for (const auto& frame : withheld) net_.deliver(frame);
  net_.tap = {};
  ASSERT_TRUE(net_.send(survivor(), dies(), "1"));
  net_.run_for(2min);
  ASSERT_FALSE(net_.received(dies()).empty());
  EXPECT_EQ(net_.received(dies()).back(), "1");
  EXPECT_TRUE(net_.all_acknowledged());
}

INSTANTIATE_TEST_SUITE_P(Of, Restart, testing::Bool(), [](const auto& of) {
  return std::string(of.param ? "Responder" : "Initiator");
});

TEST(Restarts, OfBoth) {
  Pair net;
  net.up();
  for (int round = 0; round < 5; ++round) {
    net.restart(net.i);
    net.restart(net.r);
    net.run_for(1min);
    ASSERT_TRUE(net.is_up());
    ASSERT_TRUE(net.send(net.i, net.r, "a"));
    ASSERT_TRUE(net.send(net.r, net.i, "b"));
    net.run_for(1s);
    EXPECT_EQ(net.received(net.r), Texts{"a"});
    EXPECT_EQ(net.received(net.i), Texts{"b"});
  }
}

}  // namespace
}  // namespace sts::protocol
