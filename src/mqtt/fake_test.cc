#include "mqtt/fake.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "mqtt/test_support.h"

namespace sts::mqtt {
namespace {

class FakeTest : public testing::Test {
 protected:
  void connect(Version version = Version::v5) {
    Options options;
    options.version = version;
    a.connect(options);
    b.connect(options);
    broker.run();
    b.subscribe({"t/+", Qos::at_least_once, true});
    broker.run();
  }
  std::string heard() const {
    std::string all;
    for (const auto& message : at_b.messages) all += as_text(message.payload);
    return all;
  }
  void publish(std::string_view text) {
    ASSERT_TRUE(a.publish({"t/x", to_bytes(as_bytes(text)), Qos::exactly_once, false}));
  }

  FakeBroker broker;
  Recorder at_a, at_b;
  FakeTransport a{broker, at_a}, b{broker, at_b};
};

TEST_F(FakeTest, NothingMovesUnlessTheTestSaysSo) {
  connect();
  publish("1");
  EXPECT_TRUE(at_b.messages.empty());
  EXPECT_TRUE(at_a.published.empty());
  broker.run();
  ASSERT_EQ(at_b.messages.size(), 1U);
  EXPECT_EQ(at_b.messages[0].qos, Qos::at_least_once);
  EXPECT_TRUE(at_a.published.at(1));
}

TEST_F(FakeTest, DropsAndDoublesAndReorders) {
  connect();
  broker.on_publish = [](const FakeTransport&, const Message& message) -> std::vector<Message> {
    if (as_text(message.payload) == "2") return {};
    return {message, message};
  };
  broker.hold = true;
  for (auto text : {"1", "2", "3"}) publish(text);
  broker.run();
  EXPECT_EQ(heard(), "");
  std::reverse(broker.held.begin(), broker.held.end());
  broker.hold = false;
  broker.release();
  broker.run();
  EXPECT_EQ(heard(), "3311");
}

TEST_F(FakeTest, CutLosesWhatIsOnItsWay) {
  connect();
  publish("1");
  ASSERT_TRUE(broker.step());  // at the broker, not yet at b
  broker.cut(b);
  broker.run();
  EXPECT_EQ(heard(), "");
  ASSERT_TRUE(at_b.disconnected);
  b.connect({});
  broker.run();
  publish("2");  // the subscription went with the connection
  broker.run();
  EXPECT_EQ(heard(), "");
}

TEST_F(FakeTest, EchoesUnder311Alone) {
  for (auto version : {Version::v3_1_1, Version::v5}) {
    at_b.messages.clear();
    connect(version);
    ASSERT_TRUE(b.publish({"t/x", to_bytes(as_bytes("x")), Qos::at_most_once, false}));
    broker.run();
    EXPECT_EQ(at_b.messages.size(), version == Version::v5 ? 0U : 1U);
  }
}

TEST_F(FakeTest, KeepsRetainedMessages) {
  connect();
  broker.inject({"r", to_bytes(as_bytes("old")), Qos::at_least_once, true});
  b.subscribe({"#", Qos::at_least_once, true});
  broker.run();
  ASSERT_EQ(at_b.messages.size(), 1U);
  EXPECT_TRUE(at_b.messages[0].retain);
}

TEST_F(FakeTest, RefusesLikeABroker) {
  broker.maximum_packet_size = 20;
  broker.on_puback = [](const Message&) { return fail(Errc::refused, "no"); };
  broker.on_subscribe = [](const std::string&) { return fail(Errc::refused, "no"); };
  connect();
  EXPECT_EQ(at_a.connected->maximum_packet_size, 20U);
  EXPECT_FALSE(at_b.subscribed.at("t/+"));
  EXPECT_EQ(a.publish({"t", to_bytes(Bytes(20)), Qos::at_least_once, false}).error().code,
            Errc::limit);
  publish("1");
  broker.run();
  EXPECT_FALSE(at_a.published.at(1));

  broker.refuse_connect = Error{Errc::refused, "no"};
  at_a.connected.reset();
  a.connect({});
  broker.run();
  EXPECT_FALSE(at_a.connected);
  EXPECT_EQ(at_a.disconnected->message, "no");
}

}  // namespace
}  // namespace sts::mqtt
