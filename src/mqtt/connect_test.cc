// Connecting where the name, the network or the server misbehave.
#include <gtest/gtest.h>
#include <mosquitto.h>

#include <cerrno>
#include <cstdlib>

#include "broker_process.h"
#include "mqtt/errors.h"
#include "mqtt/mosquitto.h"
#include "mqtt/test_support.h"

namespace sts::mqtt {
namespace {

using Answer = ScriptedServer::Answer;

constexpr std::uint8_t connect = 0x10, pingreq = 0xc0, disconnect = 0xe0;
const Bytes connack_v311{0x20, 2, 0, 0};
const Bytes connack_v5{0x20, 3, 0, 0, 0};

/// The protocol level of a CONNECT packet: 4 or 5.
int level(const Bytes& packet) { return packet.at(0) == connect ? packet.at(8) : 0; }

class ConnectTest : public testing::Test {
 protected:
  /// Connects; the result is why that failed, or nullopt.
  std::optional<Error> connect_to(const std::string& host, std::uint16_t port) {
    options.host = host;
    options.port = port;
    heard.connected.reset();
    heard.disconnected.reset();
    transport->connect(options);
    EXPECT_TRUE(run_until(loop, [&] { return heard.connected || heard.disconnected; }));
    return heard.disconnected;
  }

  asio::io_context loop;
  Options options;
  Recorder heard;
  std::unique_ptr<Mosquitto> transport = std::make_unique<Mosquitto>(loop, heard);
};

TEST_F(ConnectTest, TellsThatNobodyListens) {
  auto why = connect_to("localhost", test::free_port());
  ASSERT_TRUE(why);
  EXPECT_EQ(why->message, "connection refused on localhost:" + std::to_string(options.port));
  EXPECT_EQ(why->hint, "start a broker there (apt install mosquitto), or set url and port");
}

TEST_F(ConnectTest, TellsThatANameIsWrong) {
  auto why = connect_to("broker.invalid", 1883);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->message, "cannot resolve broker.invalid");
}

TEST_F(ConnectTest, FallsBackFromIpv6ToIpv4) {
  test::BrokerProcess broker;
  FakeName name("both.test", {"::1", "127.0.0.1"});
  EXPECT_FALSE(connect_to("both.test", broker.port()));
}

TEST_F(ConnectTest, TellsTheErrorOfTheAddressThatHasARoute) {
  FakeName name("both.test", {"127.0.0.1", "2001:db8::1"});
  auto why = connect_to("both.test", test::free_port());
  ASSERT_TRUE(why);
  EXPECT_EQ(why->message, "connection refused on both.test:" + std::to_string(options.port));
}

TEST_F(ConnectTest, AbandonsALookupThatDoesNotEnd) {
  FakeName name("stuck.test", {});
  options.host = "stuck.test";
  transport->connect(options);
  name.wait_asked();
  transport->disconnect();
  loop.run();  // nothing is left of it in the loop
  EXPECT_FALSE(heard.disconnected);

  loop.restart();
  options.connect_timeout = std::chrono::milliseconds(50);
  auto why = connect_to("stuck.test", 1883);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->message, "no answer from stuck.test:1883");
  transport->connect(options);
  transport.reset();
}

TEST_F(ConnectTest, LoopMayDieBeforeTheThread) {
  auto name = std::make_unique<FakeName>("stuck.test", std::vector<std::string>{});
  {
    asio::io_context short_lived;
    Mosquitto early(short_lived, heard);
    options.host = "stuck.test";
    early.connect(options);
    name->wait_asked();
  }
  EXPECT_FALSE(heard.disconnected);
}

TEST_F(ConnectTest, ProcessMayExitBeforeTheThread) {
  // A fresh process, as the threads of other tests may still hold locks when it forks.
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const auto exit_early = [&] {
    FakeName name("stuck.test", {});
    options.host = "stuck.test";
    transport->connect(options);
    name.wait_asked();
    transport.reset();
    std::exit(0);
  };
  EXPECT_EXIT(exit_early(), testing::ExitedWithCode(0), "");
}

TEST_F(ConnectTest, GivesUpASilentServer) {
  ScriptedServer server(loop, [](const Bytes&) { return Answer{}; });
  options.connect_timeout = std::chrono::milliseconds(50);
  auto why = connect_to("127.0.0.1", server.port());
  ASSERT_TRUE(why);
  EXPECT_EQ(why->message, "no answer from 127.0.0.1:" + std::to_string(server.port()));
  EXPECT_TRUE(run_until(loop, [&] { return server.ended == 1; }));
}

TEST_F(ConnectTest, GivesUpGarbage) {
  ScriptedServer server(loop, [](const Bytes&) {
    return Answer{to_bytes(as_bytes("HTTP/1.1 400 Bad Request\r\n\r\n"))};
  });
  options.connect_timeout = std::chrono::milliseconds(500);
  auto why = connect_to("127.0.0.1", server.port());
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, Errc::io);
}

TEST_F(ConnectTest, GivesUpAServerThatCloses) {
  ScriptedServer server(loop, [](const Bytes&) { return Answer{{}, true}; });
  auto why = connect_to("127.0.0.1", server.port());
  ASSERT_TRUE(why);
  EXPECT_EQ(why->message, "what listens on 127.0.0.1:" + std::to_string(server.port()) +
                              " doesn't answer like an MQTT broker");
  EXPECT_EQ(server.accepted, 2);  // MQTT 5, then 3.1.1
}

TEST_F(ConnectTest, EndsOnGarbageFromAConnectedServer) {
  ScriptedServer server(loop, [](const Bytes&) {
    Answer answer{connack_v5};
    append(answer.bytes, Bytes{0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
    return answer;
  });
  options.host = "127.0.0.1";
  options.port = server.port();
  transport->connect(options);
  ASSERT_TRUE(run_until(loop, [&] { return heard.disconnected.has_value(); }));
  EXPECT_TRUE(heard.connected);
  EXPECT_EQ(heard.disconnected->message,
            "connection to 127.0.0.1:" + std::to_string(server.port()) +
                " closed: the broker broke the MQTT protocol");
}

TEST_F(ConnectTest, SurvivesPacketsThatNoBrokerShouldSend) {
  const Bytes packets[] = {
      {0x90, 3, 0, 1, 0},                   // SUBACK without a reason code
      {0x30, 7, 0, 0, 3, 0x23, 0, 1, 'x'},  // PUBLISH with a topic alias, never agreed on
      {0x30, 4, 0, 0, 0, 'x'},              // PUBLISH without a topic
      {0x30, 3, 0, 200, 't'},               // PUBLISH with a topic longer than the packet
      {0x40, 2, 0, 99},                     // PUBACK for nothing
      {0x62, 2, 0, 99},                     // PUBREL for nothing
      {0x40, 0},                            // PUBACK of nothing
      {0x20, 3, 0, 0, 0},                   // CONNACK again
      {0xd0, 0},                            // PINGRESP unasked
      {0xf0, 2, 0, 0},                      // AUTH unasked
      {0x10, 0},                            // what only clients send
      {0x30, 9, 0, 1, 't', 255, 255, 255, 255, 255, 'x'},  // properties of endless length
  };
  for (const auto& packet : packets) {
    ScriptedServer server(loop, [&](const Bytes& received) {
      return received.at(0) == connect ? Answer{connack_v5} : Answer{packet, true};
    });
    ASSERT_FALSE(connect_to("127.0.0.1", server.port()));
    heard.messages.clear();
    transport->subscribe({"t", Qos::at_least_once, true});
    EXPECT_TRUE(run_until(loop, [&] { return heard.disconnected.has_value(); }));
    EXPECT_TRUE(heard.messages.empty());
  }
}

TEST_F(ConnectTest, TellsWhatTheBrokersDisconnectSays) {
  options.client_id = "same";
  for (const Bytes& packet : {Bytes{0xe0, 1, 0x8e}, Bytes{0xe0, 2, 0x8e, 0}}) {
    ScriptedServer server(loop, [&](const Bytes& received) {
      if (received.at(0) != connect) return Answer{packet};
      return Answer{connack_v5};
    });
    ASSERT_FALSE(connect_to("127.0.0.1", server.port()));
    transport->subscribe({"t", Qos::at_least_once, true});
    ASSERT_TRUE(run_until(loop, [&] { return heard.disconnected.has_value(); }));
    EXPECT_EQ(heard.disconnected->code, Errc::refused);
    EXPECT_EQ(heard.disconnected->message, "another client took over the client id 'same'");
  }
}

TEST(ConnectError, ABrokerThatClosesWithinTlsMayWantACertificate) {
  Options to;
  to.tls.emplace();
  for (const int closed : {EPROTO, ECONNRESET, EPIPE}) {
    const auto why = connect_error(to, MOSQ_ERR_ERRNO, closed);
    EXPECT_EQ(why.message, "what listens on localhost:1883 doesn't answer like an MQTT broker");
    EXPECT_TRUE(why.hint.ends_with("it may want a certificate: cert and key")) << why.hint;
  }
}

struct OldBroker {
  const char* name;
  Answer to_v5;
};

class OldBrokerTest : public ConnectTest, public testing::WithParamInterface<OldBroker> {};

TEST_P(OldBrokerTest, GetsMqtt311) {
  bool goodbye = false;
  ScriptedServer server(loop, [&](const Bytes& received) {
    if (received.at(0) == disconnect) goodbye = true;
    if (level(received) == 5) return GetParam().to_v5;
    if (level(received) == 4) return Answer{connack_v311};
    return Answer{};
  });
  EXPECT_FALSE(connect_to("127.0.0.1", server.port()));
  EXPECT_EQ(heard.connected->version, Version::v3_1_1);
  EXPECT_EQ(server.accepted, 2);
  transport->disconnect();
  EXPECT_TRUE(run_until(loop, [&] { return goodbye && server.ended >= 1; }));
}

TEST_P(OldBrokerTest, TellsWhatMendsAnExactVersion) {
  ScriptedServer server(loop, [&](const Bytes&) { return GetParam().to_v5; });
  options.exact_version = true;
  const auto why = connect_to("127.0.0.1", server.port());
  ASSERT_TRUE(why);
  EXPECT_NE(why->message.find(" MQTT 5"), std::string::npos) << why->message;
  EXPECT_TRUE(why->hint.starts_with("leave out mqtt_version (-V)")) << why->hint;
  EXPECT_EQ(server.accepted, 1);
}

INSTANTIATE_TEST_SUITE_P(Ways, OldBrokerTest,
                         testing::Values(OldBroker{"Connack1", {{0x20, 2, 0, 1}, false}},
                                         OldBroker{"Connack1Closes", {{0x20, 2, 0, 1}, true}},
                                         OldBroker{"Connack0x84", {{0x20, 3, 0, 0x84, 0}, true}},
                                         OldBroker{"Closes", {{}, true}}),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST_F(ConnectTest, TellsThatNoVersionSuits) {
  ScriptedServer server(loop, [](const Bytes&) { return Answer{{0x20, 2, 0, 1}, true}; });
  auto why = connect_to("127.0.0.1", server.port());
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, Errc::refused);
  EXPECT_EQ(why->message, "the broker at 127.0.0.1:" + std::to_string(server.port()) +
                              " knows neither MQTT 5 nor 3.1.1");
}

TEST_F(ConnectTest, TellsABadLogin) {
  ScriptedServer server(loop, [](const Bytes&) { return Answer{{0x20, 3, 0, 0x86, 0}, true}; });
  auto why = connect_to("127.0.0.1", server.port());
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, Errc::refused);
  EXPECT_EQ(why->message, "the broker refused the login (bad user name or password)");
  EXPECT_EQ(heard.connack, 0x86);
}

TEST_F(ConnectTest, TellsARefusedSubscription) {
  for (int code : {0x80, 0x87}) {
    ScriptedServer server(loop, [&](const Bytes& received) {
      if (received.at(0) == connect) return Answer{connack_v5};
      if (received.at(0) != 0x82) return Answer{};
      return Answer{{0x90, 4, received.at(2), received.at(3), 0, static_cast<std::uint8_t>(code)}};
    });
    ASSERT_FALSE(connect_to("127.0.0.1", server.port()));
    heard.subscribed.clear();
    transport->subscribe({"t", Qos::at_least_once, true});
    ASSERT_TRUE(run_until(loop, [&] { return heard.subscribed.contains("t"); }));
    ASSERT_FALSE(heard.subscribed.at("t"));
    EXPECT_EQ(heard.subscribed.at("t").error().message,
              "the broker refused to subscribe to 't': not authorised");
  }
}

TEST_F(ConnectTest, KeepsTheConnectionAlive) {
  int pings = 0;
  ScriptedServer server(loop, [&](const Bytes& received) {
    // Server keep alive (property 19): 1 s, shorter than any that may be asked for.
    if (received.at(0) == connect) return Answer{{0x20, 6, 0, 0, 3, 19, 0, 1}};
    if (received.at(0) != pingreq) return Answer{};
    ++pings;
    return pings == 1 ? Answer{{0xd0, 0}} : Answer{};
  });
  ASSERT_FALSE(connect_to("127.0.0.1", server.port()));
  // The second PINGREQ is not answered.
  ASSERT_TRUE(run_until(loop, [&] { return heard.disconnected.has_value(); }));
  EXPECT_EQ(pings, 2);
  EXPECT_EQ(heard.disconnected->message,
            "connection to 127.0.0.1:" + std::to_string(server.port()) +
                " lost: no answer to keep alive");
}

TEST_F(ConnectTest, DisconnectIsBoundedWhereThePubackIsWithheld) {
  ScriptedServer server(loop, [&](const Bytes& received) {
    return received.at(0) == connect ? Answer{connack_v5} : Answer{};
  });
  ASSERT_FALSE(connect_to("127.0.0.1", server.port()));
  ASSERT_TRUE(transport->publish({"t", to_bytes(as_bytes("x")), Qos::at_least_once, false}));
  transport->disconnect();
  EXPECT_TRUE(run_until(loop, [&] { return server.ended == 1; }));
}

}  // namespace
}  // namespace sts::mqtt
