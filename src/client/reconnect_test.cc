// The broker's comings and goings.
#include <set>

#include "client/pair_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class ReconnectTest : public PairWorld {};

TEST_F(ReconnectTest, WhatWasAcceptedWhileTheBrokerWasGoneArrivesOnceAndInOrder) {
  start_both();
  talk();
  broker.refuse_connect = Error{Errc::io, "connection refused on fake:1883"};
  broker.cut_all();
  run();
  EXPECT_EQ(master.state(), State::up);
  EXPECT_FALSE(master->status().broker_connected);
  Strings texts;
  for (int i = 0; i < 50; ++i) texts.push_back("offline " + std::to_string(i));
  for (const auto& text : texts) EXPECT_TRUE(master->send_encrypted(text));
  EXPECT_EQ(master->status().peers[0].unacknowledged, 50U);
  run_for(1min);
  slave.seen.messages.clear();
  broker.refuse_connect.reset();
  run_for(2min);
  EXPECT_EQ(slave.seen.messages, texts);
  EXPECT_EQ(master->status().peers[0].unacknowledged, 0U);
  talk();
}

TEST_F(ReconnectTest, AFrameLostWithTheConnectionIsSentAgain) {
  start_both();
  EXPECT_TRUE(master->send_encrypted("x"));
  broker.cut_all();  // before the broker saw it
  run_for(1min);
  EXPECT_EQ(slave.seen.messages, Strings{"x"});
  EXPECT_EQ(master.seen.sent.size(), 1U) << "a message is shown once";
}

TEST_F(ReconnectTest, WhoIsSlowerThanThePeerStaysSo) {
  start_both();
  slave->hold(true);
  EXPECT_TRUE(slave.transport->held());
  broker.cut(*slave.transport);
  run_for(10s);
  EXPECT_TRUE(slave->status().broker_connected);
  EXPECT_TRUE(slave.transport->held());
  slave->hold(false);
  EXPECT_FALSE(slave.transport->held());
  talk();
}

TEST_F(ReconnectTest, ReconnectsWithBackoffAndOneLinePerReason) {
  start_both();
  broker.refuse_connect = Error{Errc::io, "connection refused on fake:1883"};
  int connects = 0;
  std::set<Duration> waits;
  broker.cut(*master.transport);
  run();
  while (connects < 30) {
    const auto at = master->next_deadline();
    ASSERT_NE(at, never);
    waits.insert(at - now);
    EXPECT_LE(at - now, 60s);
    EXPECT_GE(at - now, 500ms);
    now = at;
    master->advance();
    run();
    ++connects;
  }
  EXPECT_GT(waits.size(), 20U) << "no jitter";
  EXPECT_GE(*waits.rbegin(), 30s);
  EXPECT_EQ(master.seen.count("connection refused on fake:1883; trying again"), 1U);
  broker.refuse_connect.reset();
  run_for(2min);
  talk();
}

TEST_F(ReconnectTest, ABrokerThatHangsUpAtOnceIsNotAskedFasterAndFaster) {
  start_both();
  const auto before = master.seen.lines.size();
  for (int second = 0; second < 3600; ++second) {
    broker.cut(*master.transport);
    run_for(1s);
  }
  EXPECT_LT(master.seen.lines.size() - before, 500U);
  run_for(2min);
  talk();
}

TEST_F(ReconnectTest, AfterALongConnectionTheFirstTryIsSoon) {
  start_both();
  for (int i = 0; i < 5; ++i) {
    run_for(1min);
    broker.cut(*master.transport);
    run_for(1s);
    EXPECT_TRUE(master->status().broker_connected);
  }
}

TEST_F(ReconnectTest, ALoginRefusedLaterIsTriedAgain) {
  start_both();
  broker.refuse_connect = Error{Errc::refused, "login refused"};
  broker.cut(*master.transport);
  run_for(1min);
  EXPECT_EQ(master.state(), State::up);
  broker.refuse_connect.reset();
  run_for(2min);
  talk();
}

TEST_F(ReconnectTest, ABrokerThatNeverAnswersSubscribeEndsAStart) {
  broker.answers_subscribe = false;
  run(master, config(Mode::initiator));
  EXPECT_EQ(master.state(), State::connecting);
  run_for(1min);
  EXPECT_EQ(failure(master), "localhost:1883 took the connection, but doesn't answer SUBSCRIBE");
  EXPECT_FALSE(master.seen.failed->hint.empty());
  EXPECT_EQ(master->next_deadline(), never);
}

TEST_F(ReconnectTest, ABrokerThatNeverAnswersSubscribeLaterIsTriedAgain) {
  start_both();
  broker.answers_subscribe = false;
  broker.cut_all();
  run_for(2min);
  EXPECT_FALSE(master->status().broker_connected);
  EXPECT_GT(broker.connects, 2 + 3U) << "no other try was made";
  EXPECT_EQ(master.seen.count("doesn't answer SUBSCRIBE; trying again"), 1U);
  broker.answers_subscribe = true;
  run_for(2min);
  talk();
}

}  // namespace
}  // namespace sts::client
