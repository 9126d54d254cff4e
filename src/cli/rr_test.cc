// rr, ping and bench against a broker.
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <thread>

#include "broker_process.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "crypto/keys.h"
#include "mqtt/mosquitto.h"

namespace sts::cli {
namespace {

struct Ran {
  int exit_code;
  std::string out, err;
};

Ran run(const std::string& line) {
  crypto::initialise();
  CLI::App app("", "sts");
  int exit_code = -1;
  add_commands(app, exit_code);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  try {
    app.parse(line);
  } catch (const CLI::ParseError& error) {
    exit_code = report(app, error);
  }
  const auto out = testing::internal::GetCapturedStdout();
  return {exit_code, out, testing::internal::GetCapturedStderr()};
}

std::string at(const test::BrokerProcess& broker) {
  return " -h 127.0.0.1 -p " + std::to_string(broker.port()) + " ";
}

/// Answers each request twice: wrongly, with other correlation data, then as it should.
class Answerer final : public mqtt::Handler {
 public:
  explicit Answerer(std::uint16_t port) {
    mqtt::Options options;
    options.host = "127.0.0.1";
    options.port = port;
    client_.connect(options);
    while (!subscribed_) loop_.run_one();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Answerer() override {
    loop_.stop();
    thread_.join();
  }
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;

 private:
  void on_connected(const mqtt::Connected&) override { client_.subscribe({"ask"}); }
  void on_disconnected(const Error&, int) override {}
  void on_message(mqtt::Message message) override {
    mqtt::Message answer{message.properties.response_topic, to_bytes(as_bytes("wrong"))};
    answer.properties.correlation_data = to_bytes(as_bytes("another's"));
    EXPECT_TRUE(client_.publish(answer));
    answer.payload = to_bytes(as_bytes("right"));
    answer.properties.correlation_data = message.properties.correlation_data;
    EXPECT_TRUE(client_.publish(answer));
  }
  void on_published(mqtt::PublishId, Result<void>) override {}
  void on_subscribed(const std::string&, Result<mqtt::Qos>) override { subscribed_ = true; }
  void on_unsubscribed(const std::string&, Result<void>) override {}

  asio::io_context loop_{1};
  mqtt::Mosquitto client_{loop_, *this};
  bool subscribed_ = false;
  std::thread thread_;
};

TEST(Rr, ShowsTheAnswerWithItsOwnCorrelationDataAlone) {
  const test::BrokerProcess broker;
  const Answerer answerer(broker.port());
  const auto asked = run("rr --plain" + at(broker) + "-t ask -m hello");
  EXPECT_EQ(asked.exit_code, 0) << asked.err;
  EXPECT_EQ(asked.out, "right\n");
  const auto chosen = run("rr --plain" + at(broker) + "-t ask -n -e here --correlation-data x -v");
  EXPECT_EQ(chosen.out, "here right\n") << chosen.err;
}

TEST(Rr, WithoutAnAnswerEndsWith27) {
  const test::BrokerProcess broker;
  const auto asked = run("rr --plain" + at(broker) + "-t ask -m hello -W 1");
  EXPECT_EQ(asked.exit_code, 27);
  EXPECT_EQ(asked.out, "");
  EXPECT_TRUE(asked.err.starts_with("error: no answer in time\n")) << asked.err;
}

TEST(Rr, NeedsMqtt5InTheClear) {
  const test::BrokerProcess old("allow_anonymous true\n");
  const auto asked = run("rr --plain -V 3.1.1" + at(old) + "-t ask -m hello");
  EXPECT_EQ(asked.exit_code, 2);
  EXPECT_NE(asked.err.find("need MQTT 5\nhint: "), std::string::npos) << asked.err;
  EXPECT_EQ(run("rr -t ask -m hello" + at(old)).exit_code, 2);  // neither --plain nor --peer
}

TEST(Ping, TellsWhatTheBrokerSaidAndTimesRoundTrips) {
  const test::BrokerProcess broker("allow_anonymous true\nmax_qos 1\nretain_available false\n");
  const auto ping = run("ping" + at(broker) + "-C 3 --format json");
  ASSERT_EQ(ping.exit_code, 0) << ping.err;
  const auto found = nlohmann::json::parse(ping.out);
  EXPECT_EQ(found["mqtt_version"], "5");
  EXPECT_EQ(found["maximum_qos"], 1);
  EXPECT_EQ(found["retain_available"], false);
  EXPECT_EQ(found["client_id_assigned"], true);
  EXPECT_EQ(found["measured"], "PUBLISH");
  EXPECT_EQ(found["round_trips"], 3);
  EXPECT_EQ(found["lost"], 0);
  EXPECT_LE(found["round_trip_ms"]["min"], found["round_trip_ms"]["median"]);
  EXPECT_LE(found["round_trip_ms"]["median"], found["round_trip_ms"]["max"]);
  const auto text = run("ping" + at(broker) + "-C 1").out;
  EXPECT_NE(text.find("(MQTT 5)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("maximum QoS          1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("1 round trips, 0 lost; min "), std::string::npos) << text;
}

TEST(Ping, TimesSubscribeWhereItMayNotPublish) {
  test::BrokerProcess broker("allow_anonymous true\nacl_file /dev/null\n");
  const auto ping = run("ping" + at(broker) + "-C 2 -W 1 --format json");
  ASSERT_EQ(ping.exit_code, 0) << ping.err;
  const auto found = nlohmann::json::parse(ping.out);
  EXPECT_EQ(found["measured"], "SUBSCRIBE");
  EXPECT_EQ(found["round_trips"], 2);
}

TEST(Ping, SaysWithItsExitCodeWhyTheBrokerRefused) {
  const test::BrokerProcess broker("allow_anonymous false\n");
  EXPECT_EQ(run("ping" + at(broker)).exit_code, 135);  // not authorised
  EXPECT_EQ(run("ping -h 127.0.0.1 -p " + std::to_string(test::free_port())).exit_code, 1);
}

TEST(Bench, CountsEachMessageOfEachPublisherAtEachSubscriber) {
  const test::BrokerProcess broker;
  for (const std::string mode : {"--plain -q 1", ""}) {
    const auto bench =
        run("bench --publishers 2 --subscribers 2 -C 20 -s 64 --format json " + mode + at(broker));
    ASSERT_EQ(bench.exit_code, 0) << bench.err;
    const auto found = nlohmann::json::parse(bench.out);
    EXPECT_EQ(found["encrypted"], mode.empty());
    EXPECT_EQ(found["received"], 80);
    EXPECT_EQ(found["lost"], 0);
    EXPECT_LE(found["latency_ms"]["p50"], found["latency_ms"]["p90"]);
    EXPECT_LE(found["latency_ms"]["p99"], found["latency_ms"]["max"]);
  }
}

TEST(Bench, FailsWhereTheBrokerRefuses) {
  const test::BrokerProcess broker("allow_anonymous false\n");
  const auto bench = run("bench --plain" + at(broker));
  EXPECT_EQ(bench.exit_code, 1);
  EXPECT_EQ(bench.out, "");
}

}  // namespace
}  // namespace sts::cli
