#include "client/test_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class PlainTest : public World {
 protected:
  PlainTest() { start(me, config(Mode::nosec)); }

  std::vector<std::string> on_the_wire() const {
    std::vector<std::string> out;
    for (const auto& message : broker.published) out.emplace_back(as_text(message.payload));
    return out;
  }
  void cut() {
    broker.cut_all();
    run();
  }
  void keep_pubacks_back() {
    broker.on_puback = [](const mqtt::Message&) { return std::nullopt; };
  }

  Side& me = side();
};

TEST_F(PlainTest, SendsAndReceivesInTheClear) {
  run();
  EXPECT_EQ(me.state(), State::up);
  EXPECT_EQ(me.seen.states, (std::vector{State::connecting, State::waiting, State::up}));
  EXPECT_TRUE(me->send(" exactly  this ").has_value());
  broker.inject({"up", to_bytes(as_bytes("23.5 C"))});
  run();
  EXPECT_EQ(on_the_wire(), Strings{" exactly  this "});
  EXPECT_EQ(me.seen.messages, Strings{"23.5 C"});
  EXPECT_EQ(me.seen.sent.size(), 1U);
  EXPECT_EQ(broker.published[0].qos, mqtt::Qos::at_least_once);
  EXPECT_FALSE(broker.published[0].retain);

  const Status status = me->status();
  EXPECT_EQ(status.protocol, "none");
  EXPECT_EQ(status.cipher, "none");
  EXPECT_EQ(status.mode, "nosec");
  EXPECT_EQ(status.mqtt_version, "5");
  EXPECT_EQ(status.sent, 1U);
  EXPECT_EQ(status.received, 1U);
  EXPECT_TRUE(status.broker_connected);
}

TEST_F(PlainTest, RefusesToEncryptAndToSendBeforeItIsConnected) {
  const auto early = me->send("early");
  EXPECT_EQ(early.error().code, Errc::refused);
  EXPECT_EQ(early.error().hint, "wait for \"connected to\"");
  run();
  EXPECT_EQ(me->send_encrypted("x").error().code, Errc::refused);
  EXPECT_TRUE(broker.published.empty());
  EXPECT_EQ(me->status().sent, 0U);
}

TEST_F(PlainTest, WhatWasNotAcknowledgedIsSentAgainInOrder) {
  run();
  keep_pubacks_back();
  for (const auto* text : {"1", "2"}) EXPECT_TRUE(me->send(text));
  run();
  cut();
  EXPECT_TRUE(me->send("3"));
  EXPECT_EQ(me.state(), State::up);
  broker.published.clear();
  broker.on_puback = nullptr;
  run_for(2s);
  EXPECT_EQ(on_the_wire(), (Strings{"1", "2", "3"}));
  cut();
  broker.published.clear();
  run_for(5s);
  EXPECT_TRUE(broker.published.empty()) << "acknowledged ones are not sent again";
}

TEST_F(PlainTest, ARefusedMessageIsToldAndNotSentAgain) {
  run();
  broker.on_puback = [](const mqtt::Message&) -> std::optional<Result<void>> {
    return fail(Errc::refused, "the broker said no");
  };
  EXPECT_TRUE(me->send("x"));
  run();
  EXPECT_TRUE(me.seen.logged("not delivered: the broker said no"));
  broker.published.clear();
  cut();
  run_for(5s);
  EXPECT_TRUE(broker.published.empty());
}

TEST_F(PlainTest, TooLargeForTheBrokerIsRefusedAtOnceAndNotForLackOfRoom) {
  broker.maximum_packet_size = 100;
  run();
  const auto sent = me->send(std::string(200, 'x'));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::refused) << "Errc::limit would promise on_room()";
  EXPECT_EQ(me->status().sent, 0U);
  me->stop(false);
  run();
  EXPECT_EQ(me.state(), State::stopped);
  EXPECT_FALSE(me.seen.failed);
}

TEST_F(PlainTest, AMessageThatCannotGoAfterAReconnectIsGivenUpWithALine) {
  run();
  cut();
  EXPECT_TRUE(me->send("short"));
  EXPECT_TRUE(me->send(std::string(200, 'x')));
  EXPECT_TRUE(me->send("last"));
  broker.maximum_packet_size = 100;
  run_for(2s);
  EXPECT_EQ(on_the_wire(), (Strings{"short", "last"}));
  EXPECT_EQ(me.seen.count("a message was not delivered"), 1U);
  me->stop(false);
  run();
  EXPECT_EQ(me.state(), State::stopped);
  EXPECT_TRUE(me.seen.failed) << "a message was lost";
}

TEST_F(PlainTest, ABoundedNumberOfMessagesWaitsAndRoomIsTold) {
  run();
  keep_pubacks_back();
  Result<void> sent;
  std::size_t accepted = 0;
  while ((sent = me->send("x"))) ASSERT_LT(++accepted, 100'000U);
  EXPECT_EQ(sent.error().code, Errc::limit);
  EXPECT_EQ(me.seen.rooms, 0);
  run();
  broker.on_puback = nullptr;
  cut();
  run_for(2s);
  EXPECT_EQ(me.seen.rooms, 1);
  EXPECT_TRUE(me->send("again"));
}

TEST_F(PlainTest, ABoundedNumberOfBytesWaits) {
  run();
  cut();
  Result<void> sent;
  std::size_t accepted = 0;
  while ((sent = me->send(std::string(100'000, 'x')))) ASSERT_LT(++accepted, 1000U);
  EXPECT_EQ(sent.error().code, Errc::limit);
  EXPECT_LT(accepted, 50U);
}

TEST_F(PlainTest, StopWaitsForAcknowledgementsButNotForEver) {
  run();
  keep_pubacks_back();
  EXPECT_TRUE(me->send("x"));
  run();
  me->stop(false);
  run();
  EXPECT_EQ(me.state(), State::stopping);
  EXPECT_EQ(me->send("late").error().code, Errc::refused);
  // What comes up meanwhile doesn't make it wait longer.
  cut();
  run_for(9s);
  EXPECT_EQ(me.state(), State::stopping);
  run_for(2s);
  EXPECT_EQ(me.state(), State::stopped);
  ASSERT_TRUE(me.seen.failed);
  EXPECT_NE(me.seen.failed->message.find("1 message was"), std::string::npos);
}

TEST_F(PlainTest, StopWhileOfflineDeliversIfTheBrokerComesBackInTime) {
  run();
  cut();
  EXPECT_TRUE(me->send("x"));
  me->stop(false);
  run_for(3s);
  EXPECT_EQ(on_the_wire(), Strings{"x"});
  EXPECT_EQ(me.state(), State::stopped);
  EXPECT_FALSE(me.seen.failed);
}

TEST_F(PlainTest, TheObserverMaySendFromEveryCallback) {
  run();
  int more = 20;
  const auto send = [&] {
    if (more <= 0) return;
    --more;
    EXPECT_TRUE(me->send("more"));
  };
  me.seen.sent_hook = send;
  me.seen.message_hook = [&](const auto&) { send(); };
  me.seen.log_hook = [&](const auto&) { send(); };
  broker.inject({"up", to_bytes(as_bytes("hello"))});
  run();
  EXPECT_EQ(on_the_wire().size(), 20U);
  // Also while what waited is sent again, and when one is refused.
  cut();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(me->send("waited"));
  EXPECT_TRUE(me->send(std::string(200, 'x')));
  more = 600;  // a deque moves its blocks
  broker.maximum_packet_size = 100;
  broker.published.clear();
  run_for(2s);
  EXPECT_EQ(on_the_wire().size(), 603U);
  broker.on_puback = [](const mqtt::Message&) -> std::optional<Result<void>> {
    return fail(Errc::refused, "no");
  };
  more = 50;
  EXPECT_TRUE(me->send("refused"));
  run();
  me->stop(false);
  run();
  EXPECT_EQ(me.state(), State::stopped);
}

}  // namespace
}  // namespace sts::client
