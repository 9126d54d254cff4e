// Against a real broker.
#include "mqtt/mosquitto.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "broker_process.h"
#include "mqtt/packet_size.h"
#include "mqtt/test_client.h"

namespace sts::mqtt {
namespace {

class MosquittoTest : public testing::TestWithParam<Version> {
 protected:
  asio::io_context loop;
};

TEST_P(MosquittoTest, CarriesEveryQos) {
  test::BrokerProcess broker;
  Client sender(loop), receiver(loop);
  ASSERT_TRUE(sender.connect(at(broker.port(), GetParam())));
  EXPECT_EQ(sender.heard.connected->version, GetParam());
  ASSERT_TRUE(receiver.connect(at(broker.port(), GetParam())));
  ASSERT_TRUE(receiver.subscribe("a/+", Qos::exactly_once));

  const Bytes payload{0, 255, 10, 0};
  for (auto qos : {Qos::at_most_once, Qos::at_least_once, Qos::exactly_once}) {
    EXPECT_TRUE(sender.publish("a/b", payload, qos));
    ASSERT_TRUE(receiver.wait_messages(1));
    EXPECT_EQ(receiver.heard.messages[0].topic, "a/b");
    EXPECT_EQ(receiver.heard.messages[0].payload, payload);
    EXPECT_EQ(receiver.heard.messages[0].qos, qos);
    EXPECT_FALSE(receiver.heard.messages[0].retain);
    receiver.heard.messages.clear();
  }
  EXPECT_TRUE(sender.publish("a/b", {}, Qos::at_least_once));
  ASSERT_TRUE(receiver.wait_messages(1));
  EXPECT_TRUE(receiver.heard.messages[0].payload.empty());
  EXPECT_EQ(sender.heard.published.size(), 4U);
}

TEST_P(MosquittoTest, MarksRetainedMessages) {
  test::BrokerProcess broker;
  Client client(loop);
  ASSERT_TRUE(client.connect(at(broker.port(), GetParam())));
  ASSERT_TRUE(client.publish("kept", as_bytes("x"), Qos::at_least_once, true));
  ASSERT_TRUE(client.subscribe("kept", Qos::at_least_once));
  ASSERT_TRUE(client.wait_messages(1));
  EXPECT_TRUE(client.heard.messages[0].retain);
}

TEST_P(MosquittoTest, DeliversManyAndLargeMessagesInOrder) {
  test::BrokerProcess broker("allow_anonymous true\nmax_queued_messages 0\n");
  Client sender(loop), receiver(loop);
  ASSERT_TRUE(sender.connect(at(broker.port(), GetParam())));
  ASSERT_TRUE(receiver.connect(at(broker.port(), GetParam())));
  ASSERT_TRUE(receiver.subscribe("t", Qos::at_least_once));
  // More than the in-flight window holds, and more than a socket buffer.
  constexpr std::uint32_t count = 300;
  for (std::uint32_t i = 0; i < count; ++i) {
    Bytes payload(i % 100 == 0 ? 1'000'000 : 10, static_cast<std::uint8_t>(i));
    ASSERT_TRUE(sender.transport.publish({"t", to_bytes(payload), Qos::at_least_once, false}));
  }
  ASSERT_TRUE(receiver.wait_messages(count));
  for (std::uint32_t i = 0; i < count; ++i) {
    EXPECT_EQ(receiver.heard.messages[i].payload.at(9), static_cast<std::uint8_t>(i));
  }
  EXPECT_TRUE(run_until(loop, [&] { return sender.heard.published.size() == count; }));
}

TEST_P(MosquittoTest, DisconnectSendsWhatWasPublished) {
  test::BrokerProcess broker("allow_anonymous true\nmax_queued_messages 0\n");
  Client receiver(loop);
  ASSERT_TRUE(receiver.connect(at(broker.port(), GetParam())));
  ASSERT_TRUE(receiver.subscribe("t", Qos::at_least_once));
  constexpr std::uint32_t count = 300;
  {
    Client sender(loop);
    ASSERT_TRUE(sender.connect(at(broker.port(), GetParam())));
    for (std::uint32_t i = 0; i < count; ++i) {
      ASSERT_TRUE(
          sender.transport.publish({"t", to_bytes(Bytes(1000)), Qos::at_least_once, false}));
    }
    sender.transport.disconnect();
    EXPECT_FALSE(sender.transport.publish({"t", to_bytes({}), Qos::at_least_once, false}));
  }
  EXPECT_TRUE(receiver.wait_messages(count));
}

TEST_P(MosquittoTest, NoticesAKilledBrokerAndConnectsAgain) {
  test::BrokerProcess broker;
  Client client(loop);
  ASSERT_TRUE(client.connect(at(broker.port(), GetParam())));
  broker.kill();
  ASSERT_TRUE(client.wait_disconnected());
  EXPECT_EQ(client.heard.disconnected->message,
            "connection to 127.0.0.1:" + std::to_string(broker.port()) + " lost");
  EXPECT_EQ(client.heard.disconnected->code, Errc::io);
  EXPECT_EQ(client.transport.publish({"t", to_bytes({}), Qos::at_least_once, false}).error().code,
            Errc::io);

  EXPECT_EQ(client.refused(at(broker.port())).message,
            "connection refused on 127.0.0.1:" + std::to_string(broker.port()));
  broker.start();
  ASSERT_TRUE(client.connect(at(broker.port(), GetParam())));
  EXPECT_TRUE(client.publish("t", {}, Qos::at_least_once));
}

INSTANTIATE_TEST_SUITE_P(Versions, MosquittoTest, testing::Values(Version::v3_1_1, Version::v5),
                         [](const auto& tested) {
                           return tested.param == Version::v5 ? "V5" : "V311";
                         });

using MosquittoV5Test = MosquittoTest;

TEST_F(MosquittoV5Test, DoesNotHearItself) {
  test::BrokerProcess broker;
  Client client(loop), other(loop);
  ASSERT_TRUE(client.connect(at(broker.port())));
  ASSERT_TRUE(other.connect(at(broker.port())));
  ASSERT_TRUE(client.subscribe("t", Qos::at_least_once));
  ASSERT_TRUE(client.publish("t", as_bytes("mine"), Qos::at_least_once));
  ASSERT_TRUE(other.publish("t", as_bytes("theirs"), Qos::at_least_once));
  ASSERT_TRUE(client.wait_messages(1));
  EXPECT_EQ(as_text(client.heard.messages[0].payload), "theirs");
}

TEST_F(MosquittoV5Test, SharedSubscriptionWorks) {
  test::BrokerProcess broker;
  Client client(loop), other(loop);
  ASSERT_TRUE(client.connect(at(broker.port())));
  ASSERT_TRUE(other.connect(at(broker.port())));
  ASSERT_TRUE(client.subscribe("$share/workers/t", Qos::at_least_once));
  ASSERT_TRUE(other.publish("t", as_bytes("x"), Qos::at_least_once));
  EXPECT_TRUE(client.wait_messages(1));
}

TEST_F(MosquittoV5Test, KeepsTheBrokersMaximumPacketSize) {
  test::BrokerProcess broker("allow_anonymous true\nmax_packet_size 1000\n");
  Client client(loop);
  ASSERT_TRUE(client.connect(at(broker.port())));
  EXPECT_EQ(client.heard.connected->maximum_packet_size, 1000U);
  const std::size_t empty = publish_packet_size(1, 200, Qos::at_least_once, Version::v5) - 200;

  auto refused = client.publish("t", Bytes(1001 - empty), Qos::at_least_once);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::limit);
  EXPECT_EQ(refused.error().message,
            "992 bytes make a packet of 1001, over the broker's limit of 1000");
  EXPECT_TRUE(client.publish("t", Bytes(1000 - empty), Qos::at_least_once));
}

TEST_F(MosquittoV5Test, TellsThatTheBrokerRefusedAMessage) {
  test::BrokerProcess broker("allow_anonymous true\nmessage_size_limit 100\n");
  Client client(loop);
  ASSERT_TRUE(client.connect(at(broker.port())));
  for (auto qos : {Qos::at_least_once, Qos::exactly_once}) {
    auto refused = client.publish("t", Bytes(101), qos);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::limit);
    EXPECT_EQ(refused.error().message, "the broker refused the message: it is over its limit");
  }
  EXPECT_TRUE(client.publish("t", Bytes(100), Qos::at_least_once));
}

TEST_F(MosquittoV5Test, TellsWhatTheBrokerForbids) {
  const auto acl = std::filesystem::temp_directory_path() / ("sts-acl-" + std::to_string(getpid()));
  std::ofstream(acl) << "topic readwrite allowed\n";
  std::filesystem::permissions(
      acl, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  test::BrokerProcess broker("allow_anonymous true\nacl_file " + acl.string() + "\n");
  std::filesystem::remove(acl);
  Client client(loop);
  ASSERT_TRUE(client.connect(at(broker.port())));
  auto refused = client.publish("secret", Bytes(1), Qos::at_least_once);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::refused);
  EXPECT_EQ(refused.error().message,
            "the broker refused the message: not authorised to publish there");
  EXPECT_TRUE(client.publish("allowed", Bytes(1), Qos::at_least_once));
}

TEST_F(MosquittoV5Test, RefusesBadTopics) {
  test::BrokerProcess broker;
  Client client(loop);
  ASSERT_TRUE(client.connect(at(broker.port())));
  EXPECT_EQ(client.publish("a/#", {}, Qos::at_least_once).error().code, Errc::bad_input);
  EXPECT_EQ(client.subscribe("a#", Qos::at_least_once).error().code, Errc::bad_input);
  EXPECT_TRUE(client.publish("a", {}, Qos::at_least_once));
}

TEST_F(MosquittoV5Test, TellsThatTheLoginWasRefused) {
  const auto passwords =
      std::filesystem::temp_directory_path() / ("sts-passwords-" + std::to_string(getpid()));
  ASSERT_EQ(std::system(("mosquitto_passwd -b -c " + passwords.string() + " ann right").c_str()),
            0);
  test::BrokerProcess broker("allow_anonymous false\npassword_file " + passwords.string() + "\n");
  std::filesystem::remove(passwords);

  Client client(loop);
  auto options = at(broker.port());
  options.username = "ann";
  options.password = "wrong";
  EXPECT_EQ(client.refused(options).message, "the broker refused the login (not authorised)");
  EXPECT_EQ(client.heard.disconnected->code, Errc::refused);
  EXPECT_EQ(client.refused(at(broker.port(), Version::v3_1_1)).message,
            "the broker refused the login (not authorised)");
  options.password = "right";
  EXPECT_TRUE(client.connect(options));
}

TEST_F(MosquittoV5Test, HandlerMayDoAnythingInsideItsCallbacks) {
  test::BrokerProcess broker;
  Client sender(loop);
  ASSERT_TRUE(sender.connect(at(broker.port())));

  Recorder heard;
  auto transport = std::make_unique<Mosquitto>(loop, heard);
  heard.then = [&] {
    if (heard.messages.empty()) {
      transport->subscribe({"t", Qos::at_least_once, true});
    } else if (heard.messages.size() == 1) {
      heard.messages.emplace_back();
      transport->disconnect();
      transport->connect(at(broker.port()));  // comes back to on_connected, above all
    }
    if (heard.messages.size() == 2 && heard.connected)
      transport->subscribe({"t", Qos::at_least_once, true});
    if (heard.messages.size() == 3) transport.reset();
  };
  transport->connect(at(broker.port()));
  ASSERT_TRUE(run_until(loop, [&] { return heard.subscribed.contains("t"); }));
  ASSERT_TRUE(sender.publish("t", as_bytes("1"), Qos::at_least_once));
  heard.subscribed.clear();
  ASSERT_TRUE(run_until(loop, [&] { return heard.subscribed.contains("t"); }));
  ASSERT_TRUE(sender.publish("t", as_bytes("2"), Qos::at_least_once));
  EXPECT_TRUE(run_until(loop, [&] { return transport == nullptr; }));
  EXPECT_FALSE(heard.disconnected);
}

TEST_F(MosquittoV5Test, LoopRunsDryAfterDisconnect) {
  test::BrokerProcess broker;
  Client client(loop);
  ASSERT_TRUE(client.connect(at(broker.port())));
  client.transport.disconnect();
  loop.restart();
  loop.run();  // would go on for ever if a wait or a timer were left
  EXPECT_FALSE(client.heard.disconnected);
}

}  // namespace
}  // namespace sts::mqtt
