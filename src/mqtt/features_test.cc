// What MQTT 5, and 3.1.1 where it can, does besides carrying messages, against a real broker.
#include <gtest/gtest.h>

#include <filesystem>

#include "broker_process.h"
#include "mqtt/test_client.h"

namespace sts::mqtt {
namespace {

using namespace std::chrono_literals;

class FeaturesTest : public testing::Test {
 protected:
  test::BrokerProcess broker;
  asio::io_context loop;
  Client sender{loop}, receiver{loop};
};

TEST_F(FeaturesTest, CarriesProperties) {
  ASSERT_TRUE(sender.connect(at(broker.port())));
  ASSERT_TRUE(receiver.connect(at(broker.port())));
  ASSERT_TRUE(receiver.subscribe("t", Qos::at_least_once));
  Properties properties;
  properties.payload_is_utf8 = true;
  properties.content_type = "text/plain";
  properties.response_topic = "answers";
  properties.correlation_data = {1, 0, 2};
  properties.user_properties = {{"a", "1"}, {"a", "2"}, {"b", ""}};
  ASSERT_TRUE(sender.publish({"t", {}, Qos::at_least_once, false, properties}));
  ASSERT_TRUE(receiver.wait_messages(1));
  EXPECT_EQ(receiver.heard.messages[0].properties, properties);

  properties = {};
  properties.message_expiry = 100s;
  ASSERT_TRUE(sender.publish({"t", {}, Qos::at_least_once, false, properties}));
  ASSERT_TRUE(receiver.wait_messages(2));
  ASSERT_TRUE(receiver.heard.messages[1].properties.message_expiry);
  EXPECT_LE(*receiver.heard.messages[1].properties.message_expiry, 100s);
}

TEST_F(FeaturesTest, RefusesPropertiesThatCannotBeSent) {
  ASSERT_TRUE(sender.connect(at(broker.port())));
  Properties bad, too_long;
  bad.content_type = "\xff";
  too_long.user_properties = {{"name", std::string(65536, 'x')}};
  for (const auto& properties : {bad, too_long}) {
    const auto refused = sender.publish({"t", {}, Qos::at_least_once, false, properties});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::bad_input);
  }
}

TEST_F(FeaturesTest, Unsubscribes) {
  ASSERT_TRUE(receiver.connect(at(broker.port())));
  ASSERT_TRUE(receiver.subscribe("a", Qos::at_least_once));
  ASSERT_TRUE(receiver.subscribe("b", Qos::at_least_once));
  receiver.transport.unsubscribe("a");
  ASSERT_TRUE(run_until(loop, [&] { return receiver.heard.unsubscribed.contains("a"); }));
  ASSERT_TRUE(sender.connect(at(broker.port())));
  ASSERT_TRUE(sender.publish("a", as_bytes("no"), Qos::at_least_once));
  ASSERT_TRUE(sender.publish("b", as_bytes("yes"), Qos::at_least_once));
  ASSERT_TRUE(receiver.wait_messages(1));
  EXPECT_EQ(receiver.heard.messages[0].topic, "b");
}

TEST_F(FeaturesTest, SubscribesAsAsked) {
  ASSERT_TRUE(sender.connect(at(broker.port())));
  ASSERT_TRUE(sender.publish("t", as_bytes("kept"), Qos::at_least_once, true));
  Subscription wanted{"t", Qos::at_least_once, false, true, Subscription::Retained::dont_send};
  sender.transport.subscribe(wanted);
  ASSERT_TRUE(run_until(loop, [&] { return sender.heard.subscribed.contains("t"); }));
  ASSERT_TRUE(sender.publish("t", as_bytes("new"), Qos::at_least_once, true));
  ASSERT_TRUE(sender.wait_messages(1));
  EXPECT_EQ(as_text(sender.heard.messages[0].payload), "new");  // its own, and none stored before
  EXPECT_TRUE(sender.heard.messages[0].retain);                 // as published
}

TEST_F(FeaturesTest, LeavesAWill) {
  ASSERT_TRUE(receiver.connect(at(broker.port())));
  ASSERT_TRUE(receiver.subscribe("will", Qos::at_least_once));
  for (auto version : {Version::v5, Version::v3_1_1}) {
    receiver.heard.messages.clear();
    Options options = at(broker.port(), version);
    options.client_id = "dies";
    options.will = Message{"will", to_bytes(as_bytes("gone")), Qos::at_least_once, false};
    Client dies(loop), thief(loop);
    ASSERT_TRUE(dies.connect(options));
    options.will.reset();
    ASSERT_TRUE(thief.connect(options));  // takes the client id over, so the other has no goodbye
    ASSERT_TRUE(receiver.wait_messages(1));
    EXPECT_EQ(as_text(receiver.heard.messages[0].payload), "gone");
  }
}

TEST_F(FeaturesTest, SavesTopicsByAliases) {
  test::BrokerProcess with_aliases("allow_anonymous true\nmax_topic_alias 2\n");
  ASSERT_TRUE(sender.connect(at(with_aliases.port())));
  EXPECT_EQ(sender.heard.connected->topic_alias_maximum, 2);
  ASSERT_TRUE(receiver.connect(at(with_aliases.port())));
  ASSERT_TRUE(receiver.subscribe("#", Qos::at_most_once));
  const std::vector<std::string> topics{"a", "b", "a", "c", "b", "a", "c"};
  for (const auto& topic : topics) ASSERT_TRUE(sender.publish(topic, {}, Qos::at_most_once));
  ASSERT_TRUE(receiver.wait_messages(topics.size()));
  std::vector<std::string> got;
  for (const auto& message : receiver.heard.messages) got.push_back(message.topic);
  EXPECT_EQ(got, topics);
}

class SessionTest : public FeaturesTest, public testing::WithParamInterface<Version> {
 protected:
  Options lasting() const {
    Options options = at(broker.port(), GetParam());
    options.client_id = "lasting";
    options.clean_start = false;
    options.session_expiry = 300s;
    return options;
  }
};

TEST_P(SessionTest, GoesOnWhereTheLastConnectionEnded) {
  ASSERT_TRUE(sender.connect(at(broker.port())));
  {
    Client first(loop);
    ASSERT_TRUE(first.connect(lasting()));
    EXPECT_FALSE(first.heard.connected->session_present);
    ASSERT_TRUE(first.subscribe("t", Qos::at_least_once));
  }
  loop.poll();  // its DISCONNECT
  ASSERT_TRUE(sender.publish("t", as_bytes("meanwhile"), Qos::at_least_once));
  ASSERT_TRUE(receiver.connect(lasting()));
  EXPECT_TRUE(receiver.heard.connected->session_present);
  ASSERT_TRUE(receiver.wait_messages(1));
  EXPECT_EQ(as_text(receiver.heard.messages[0].payload), "meanwhile");

  auto clean = lasting();
  clean.clean_start = true;
  clean.session_expiry = 0s;
  ASSERT_TRUE(receiver.connect(clean));
  EXPECT_FALSE(receiver.heard.connected->session_present);
}

TEST_P(SessionTest, AnswersOnTheNextConnectionWhatTheLastLeftOpen) {
  ASSERT_TRUE(sender.connect(lasting()));
  EXPECT_FALSE(sender.heard.connected->resumed);
  broker.kill();
  std::vector<PublishId> ids;
  for (auto qos : {Qos::at_least_once, Qos::exactly_once}) {
    auto id = sender.transport.publish({"t", {}, qos, false});
    if (id) ids.push_back(*id);  // the end may have been noticed already
  }
  ASSERT_FALSE(ids.empty());
  ASSERT_TRUE(sender.wait_disconnected());
  // A connect that fails in between changes nothing.
  EXPECT_FALSE(sender.connect(lasting()));
  broker.start();
  ASSERT_TRUE(sender.connect(lasting()));
  EXPECT_TRUE(sender.heard.connected->resumed);
  for (auto id : ids) {
    ASSERT_TRUE(run_until(loop, [&] { return sender.heard.published.contains(id); }));
    EXPECT_TRUE(sender.heard.published.at(id));
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, SessionTest, testing::Values(Version::v5, Version::v3_1_1),
                         [](const auto& tested) {
                           return tested.param == Version::v5 ? "V5" : "V311";
                         });

TEST_F(FeaturesTest, ReadsNothingWhileHeld) {
  ASSERT_TRUE(sender.connect(at(broker.port())));
  ASSERT_TRUE(receiver.connect(at(broker.port())));
  ASSERT_TRUE(receiver.subscribe("t", Qos::at_least_once));
  receiver.transport.hold(true);
  constexpr int count = 50;
  for (int i = 0; i < count; ++i) ASSERT_TRUE(sender.publish("t", {}, Qos::at_least_once));
  const auto while_held = receiver.heard.messages.size();
  EXPECT_LT(while_held, count / 2U);
  receiver.transport.hold(false);
  EXPECT_TRUE(receiver.wait_messages(count));
}

TEST_F(FeaturesTest, ConnectsThroughAUnixSocket) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("sts-" + std::to_string(getpid()) + ".sock");
  test::BrokerProcess local("allow_anonymous true\nlistener 0 " + path + "\n");
  Options options;
  options.host = path;
  options.port = 0;
  ASSERT_TRUE(sender.connect(options));
  EXPECT_TRUE(sender.publish("t", {}, Qos::at_least_once));
  options.host = path + ".none";
  EXPECT_EQ(sender.refused(options).message,
            "cannot connect to " + options.host + ": No such file or directory");
}

}  // namespace
}  // namespace sts::mqtt
