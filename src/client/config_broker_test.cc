#include <gtest/gtest.h>

#include "client/config_keys.h"
#include "client/config_values.h"

namespace sts::client {
namespace {

using std::chrono::seconds;

Result<Config> with(const std::vector<std::pair<std::string, std::string>>& settings) {
  Config config;
  for (const auto& [key, value] : settings) {
    if (auto set = find_key(key)->set(config, value, {}); !set) {
      return tl::unexpected(set.error());
    }
  }
  if (auto complete = complete_broker(config); !complete) return tl::unexpected(complete.error());
  return config;
}

mqtt::Options broker(const std::vector<std::pair<std::string, std::string>>& settings) {
  auto config = with(settings);
  EXPECT_TRUE(config) << config.error().message;
  return config ? config->broker : mqtt::Options{};
}

std::string error(const std::vector<std::pair<std::string, std::string>>& settings) {
  auto config = with(settings);
  return config ? "it is fine" : config.error().message;
}

TEST(ConfigBroker, UrlsSayHowToConnect) {
  auto plain = broker({{"url", "mqtt://me@[::1]:1884"}});
  EXPECT_EQ(plain.host, "::1");
  EXPECT_EQ(plain.port, 1884);
  EXPECT_EQ(plain.username, "me");
  EXPECT_FALSE(plain.tls);
  auto tls = broker({{"url", "mqtts://broker.example.org/"}});
  EXPECT_EQ(tls.host, "broker.example.org");
  EXPECT_EQ(tls.port, 8883);
  EXPECT_TRUE(tls.tls);
  auto local = broker({{"url", "unix:///run/mosquitto.sock"}});
  EXPECT_EQ(local.host, "/run/mosquitto.sock");
  EXPECT_EQ(local.port, 0);
}

TEST(ConfigBroker, ThePortIsTheOneGivenElseThatOfTlsOrNot) {
  EXPECT_EQ(broker({{"url", "h"}}).port, 1883);
  EXPECT_EQ(broker({{"url", "h"}, {"cafile", "ca.pem"}}).port, 8883);
  EXPECT_EQ(broker({{"port", "1"}, {"url", "mqtts://h"}}).port, 1);
  EXPECT_EQ(broker({{"url", "mqtts://h:2"}, {"port", "1"}}).port, 1);
  EXPECT_EQ(broker({{"url", "mqtts://h:2"}}).port, 2);
}

TEST(ConfigBroker, RefusesWhatCannotBe) {
  EXPECT_EQ(error({{"url", "http://h"}}), "'http://h' is not the URL of a broker");
  EXPECT_EQ(error({{"url", "mqtt://me:pw@h"}}), "a password in a URL can be read by others");
  EXPECT_EQ(error({{"url", "mqtt://[::1"}}), "'[::1' is no host");
  EXPECT_EQ(error({{"url", "mqtt://h:0"}}), "':0' is no port");
  EXPECT_EQ(error({{"url", "unix:///s"}, {"port", "1"}}),
            "a Unix socket has no port, no SRV records and no proxy");
  EXPECT_EQ(error({{"password", "x"}}), "a password without a user name");
  EXPECT_EQ(error({{"will_message", "x"}}), "a will without a topic");
  EXPECT_EQ(error({{"tls_psk_identity", "x"}}),
            "TLS with a pre-shared key needs the key and an identity");
  EXPECT_EQ(error({{"cert", "x"}}),
            "a client certificate needs its private key, and the other way");
  EXPECT_EQ(error({{"key", "/nonexistent"}}), "there is no file /nonexistent");
}

TEST(ConfigBroker, SetsWhatConnectSays) {
  auto options = broker({{"mqtt_version", "3.1.1"},
                         {"clean_start", "no"},
                         {"session_expiry", "300"},
                         {"proxy", "socks5h://me@proxy"},
                         {"will_topic", "t"},
                         {"will_message", "gone"},
                         {"will_qos", "2"},
                         {"will_retain", "yes"},
                         {"will_delay", "5"},
                         {"tls_alpn", "mqtt, x"}});
  EXPECT_EQ(options.version, mqtt::Version::v3_1_1);
  EXPECT_TRUE(options.exact_version);
  EXPECT_FALSE(options.clean_start);
  EXPECT_EQ(options.session_expiry, seconds(300));
  EXPECT_EQ(options.socks5->host, "proxy");
  EXPECT_EQ(options.socks5->port, 1080);
  EXPECT_EQ(options.socks5->username, "me");
  EXPECT_EQ(options.will->topic, "t");
  EXPECT_EQ(as_text(options.will->payload), "gone");
  EXPECT_EQ(options.will->qos, mqtt::Qos::exactly_once);
  EXPECT_TRUE(options.will->retain);
  EXPECT_EQ(options.will_delay, seconds(5));
  EXPECT_EQ(options.tls->alpn, (std::vector<std::string>{"mqtt", "x"}));
}

TEST(ConfigBroker, TheInsecureIsWarnedOf) {
  auto config = with({{"insecure", "yes"}});
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->broker.tls->insecure);
  EXPECT_EQ(config->warnings.size(), 1U);
}

}  // namespace
}  // namespace sts::client
