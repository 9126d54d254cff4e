// PUBACK only for what was taken, against a real broker.
#include <gtest/gtest.h>

#include "broker_process.h"
#include "mqtt/test_client.h"

namespace sts::mqtt {
namespace {

using namespace std::chrono_literals;

class AcknowledgeTest : public testing::TestWithParam<Version> {
 protected:
  Options session() const {
    Options options = at(broker.port(), GetParam());
    options.client_id = "receiver";
    options.clean_start = false;
    options.session_expiry = 300s;
    options.acknowledge_when_taken = true;
    return options;
  }
  void send(std::string_view payload) {
    ASSERT_TRUE(sender.publish("t", as_bytes(payload), Qos::at_least_once));
  }

  test::BrokerProcess broker;
  asio::io_context loop;
  Client sender{loop};
};

INSTANTIATE_TEST_SUITE_P(Versions, AcknowledgeTest, testing::Values(Version::v3_1_1, Version::v5),
                         [](const auto& tested) {
                           return tested.param == Version::v5 ? "Mqtt5" : "Mqtt311";
                         });

TEST_P(AcknowledgeTest, WhatWasNotTakenComesAgain) {
  ASSERT_TRUE(sender.connect(at(broker.port())));
  {
    Client receiver(loop);
    ASSERT_TRUE(receiver.connect(session()));
    ASSERT_TRUE(receiver.subscribe("t", Qos::at_least_once));
    send("taken");
    ASSERT_TRUE(receiver.wait_messages(1));
    receiver.transport.acknowledge();
    send("not taken");
    ASSERT_TRUE(receiver.wait_messages(2));
  }
  Client receiver(loop);
  ASSERT_TRUE(receiver.connect(session()));
  ASSERT_TRUE(receiver.wait_messages(1));
  EXPECT_EQ(receiver.heard.messages[0].payload, to_bytes(as_bytes("not taken")));
  receiver.transport.acknowledge();
  // SUBACK comes after whatever else the broker has.
  ASSERT_TRUE(receiver.subscribe("other", Qos::at_least_once));
  EXPECT_EQ(receiver.heard.messages.size(), 1U);
}

TEST_P(AcknowledgeTest, TheSameClientsNextConnectionGetsItAgain) {
  ASSERT_TRUE(sender.connect(at(broker.port())));
  Client receiver(loop);
  ASSERT_TRUE(receiver.connect(session()));
  ASSERT_TRUE(receiver.subscribe("t", Qos::at_least_once));
  send("not taken");
  ASSERT_TRUE(receiver.wait_messages(1));
  Client usurper(loop);  // of the client id, so the broker hangs up
  ASSERT_TRUE(usurper.connect(session()));
  ASSERT_TRUE(receiver.wait_disconnected());
  usurper.transport.disconnect();
  ASSERT_TRUE(receiver.connect(session()));
  ASSERT_TRUE(receiver.wait_messages(2));
  EXPECT_EQ(receiver.heard.messages[1].payload, to_bytes(as_bytes("not taken")));
}

TEST_P(AcknowledgeTest, ManyAtOnce) {
  ASSERT_TRUE(sender.connect(at(broker.port())));
  Client receiver(loop);
  ASSERT_TRUE(receiver.connect(session()));
  ASSERT_TRUE(receiver.subscribe("t", Qos::at_least_once));
  constexpr std::size_t count = 500;  // many times what the broker sends without an answer
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(sender.transport.publish(
        Message{"t", to_bytes(as_bytes(std::to_string(i))), Qos::at_least_once, false, {}}));
  }
  ASSERT_TRUE(run_until(loop, [&] {
    receiver.transport.acknowledge();
    return receiver.heard.messages.size() == count;
  }));
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_EQ(receiver.heard.messages[i].payload, to_bytes(as_bytes(std::to_string(i))));
  }
}

}  // namespace
}  // namespace sts::mqtt
