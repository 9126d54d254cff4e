#include "client/config_keys.h"

#include <gtest/gtest.h>

#include <functional>

#include "client/test_config.h"

namespace sts::client {
namespace {

using std::chrono::seconds;

crypto::PublicKey key(std::uint64_t seed) { return *crypto::parse_public_key(key_text(seed)); }

TEST_F(ConfigTest, EveryKeySetsWhatItSays) {
  const std::string long_value(200, 'x');
  const auto first_use = slave + "peer = first-use\n";
  const struct {
    std::string text;
    std::function<bool(const Config&)> holds;
  } cases[] = {
      {nosec + "name = other", [](auto& c) { return c.name == "other"; }},
      {nosec + "url = ::1", [](auto& c) { return c.broker.host == "::1"; }},
      {nosec + "url = " + long_value, [&](auto& c) { return c.broker.host == long_value; }},
      {nosec + "port = 1", [](auto& c) { return c.broker.port == 1; }},
      {nosec + "port = 65535", [](auto& c) { return c.broker.port == 65535; }},
      {nosec + "username = \xc3\xa4 b", [](auto& c) { return c.broker.username == "\xc3\xa4 b"; }},
      {nosec + "username =\npassword=\nclientid =  ",
       [](auto& c) {
         return c.broker.username.empty() && c.broker.password.empty() &&
                c.broker.client_id.empty();
       }},
      {nosec + "username = u\npassword = a = #b\xff",
       [](auto& c) { return c.broker.password == "a = #b\xff"; }},
      {nosec + "username = u\npassword = " + long_value,
       [&](auto& c) { return c.broker.password == long_value; }},
      {nosec + "clientid = " + long_value,
       [&](auto& c) { return c.broker.client_id == long_value; }},
      {"subtop = " + long_value + "\npubtop = o\nsts_mode = nosec",
       [&](auto& c) { return c.subtop == long_value; }},
      {"subtop = " + std::string(65535, 't') + "\npubtop = o\nsts_mode = nosec",
       [](auto& c) { return c.subtop.size() == 65535; }},
      {"subtop = +/a/#\npubtop = o\nsts_mode = nosec", [](auto& c) { return c.subtop == "+/a/#"; }},
      {"subtop = $share/g/a\npubtop = o\nsts_mode = nosec",
       [](auto& c) { return c.subtop == "$share/g/a"; }},
      {nosec + "timeout = 1", [](auto& c) { return c.timeout == seconds(1); }},
      {nosec + "keepalive = 5", [](auto& c) { return c.broker.keep_alive == seconds(5); }},
      {topics + "sts_mode = initiator\npeer = first-use",
       [](auto& c) { return c.mode == Mode::initiator; }},
      {topics + "sts_mode = responder\npeer = first-use",
       [](auto& c) { return c.mode == Mode::responder; }},
      {slave + "aes = ecb", [](auto& c) { return c.aes == Aes::ecb; }},
      {slave + "aes = null\npeer = first-use", [](auto& c) { return c.aes == Aes::null; }},
      {legacy + "curve = x25519", [](auto& c) { return c.curve == Curve::x25519; }},
      {legacy + "curve = secp256k1", [](auto& c) { return c.curve == Curve::secp256k1; }},
      {master + "peer = first-use",
       [](auto& c) { return std::holds_alternative<FirstUse>(c.peers.at(0)); }},
      {slave + "peer = trusted",
       [](auto& c) { return std::holds_alternative<AllTrusted>(c.peers.at(0)); }},
      {master + "peer = " + key_text(1),
       [](auto& c) {
         return std::get<crypto::PublicKey>(c.peers.at(0)) == key(1) &&
                c.peer_line.ends_with("/pump:4");
       }},
      {slave + "peer = valve ,\t" + key_text(2) + ",x",
       [](auto& c) {
         return c.peers.size() == 3 && std::get<std::string>(c.peers[0]) == "valve" &&
                std::get<crypto::PublicKey>(c.peers[1]) == key(2) &&
                std::get<std::string>(c.peers[2]) == "x";
       }},
      {first_use + "psk = " + key_text(3),
       [](auto& c) { return c.psk && crypto::to_text(*c.psk) == key_text(3); }},
      {first_use + "bind_subtop = there/in\nbind_pubtop = there/out",
       [](auto& c) { return c.bind_subtop == "there/in" && c.bind_pubtop == "there/out"; }},
      {first_use + "heartbeat = 0", [](auto& c) { return c.heartbeat == seconds(0); }},
      {first_use + "rekey_after_messages = 1", [](auto& c) { return c.rekey_after_messages == 1; }},
      {first_use + "rekey_after_messages = 1048576",
       [](auto& c) { return c.rekey_after_messages == 1U << 20U; }},
      {first_use + "rekey_after_time = 1",
       [](auto& c) { return c.rekey_after_time == seconds(1); }},
  };
  for (const auto& [text, holds] : cases) {
    auto config = load(text);
    ASSERT_TRUE(config) << text << "\n" << config.error().message;
    EXPECT_TRUE(holds(*config)) << text;
  }
}

TEST_F(ConfigTest, ChannelsNeedNothingElse) {
  const auto config = load(
      "channel = plant/#\nchannel = a b/+\nreads = gateway plant/7/#\nreads = gateway x\n"
      "writes = pump  a b/+ \nsign = on\nkey_prefix = keys/of us\npad = 16\npubtop = out\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->mode, Mode::channel);
  EXPECT_EQ(config->channels, (std::vector<std::string>{"plant/#", "a b/+"}));
  EXPECT_EQ(config->rights.at("gateway").reads, (std::vector<std::string>{"plant/7/#", "x"}));
  EXPECT_EQ(config->rights.at("pump").writes, std::vector<std::string>{"a b/+"});
  EXPECT_TRUE(config->sign);
  EXPECT_EQ(config->key_prefix, "keys/of us");
  EXPECT_EQ(config->broker.session_expiry, kept_session);

  const auto empty = load("sts_mode = channel\nsession_expiry = 0\n");
  ASSERT_TRUE(empty) << empty.error().message;
  EXPECT_EQ(empty->key_prefix, "sts/keys");
  EXPECT_FALSE(empty->sign);
  EXPECT_EQ(empty->broker.session_expiry.count(), 0);

  const std::string channel = "sts_mode = channel\n";
  expect_errors({
      {channel + "subtop = a\n", ":2: 'subtop' has no meaning on channels | write 'channel"},
      {channel + "peer = a\n", ":2: 'peer' has no meaning on channels | delete this line"},
      {channel + "aes = ecb\n", ":2: STS 1 has no channels | delete this line"},
      {channel + "channel = a/#/b\n", ":2: channel: "},
      {channel + "channel = a\nchannel = a\n", ":3: channel: 'a' is read already"},
      {channel + "reads = gateway\n", ":2: reads: no filter behind 'gateway'"},
      {channel + "reads = gate/way x\n", ":2: reads: 'gate/way' is not a valid name"},
      {channel + "writes = gateway a#\n", ":2: writes: "},
      {channel + "key_prefix = a/+\n", ":2: key_prefix: "},
      {channel + "sign = maybe\n", ":2: sign: 'maybe' is no value for it | one of"},
      {nosec + "channel = a\n",
       ":4: 'channel' has no meaning with sts_mode = nosec | delete this "
       "line, or set sts_mode to channel"},
      {slave + "peer = first-use\nsign = on\n", ":5: 'sign' has no meaning in a session"},
      {legacy + "channel = a\n", ":5: 'channel' has no meaning with aes"},
  });
}

TEST_F(ConfigTest, APskComesFromAFileBesideTheConfig) {
  TestHome::write(test_.root() / "pump.psk", "# ours\n" + key_text(4) + "\n");
  auto config = load(slave + "peer = first-use\npsk_file = pump.psk\n", 0644);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(crypto::to_text(*config->psk), key_text(4));
  EXPECT_EQ(error(slave + "peer = first-use\npsk_file = pump.psk\npsk = " + key_text(5) + "\n"),
            ":5: both psk and psk_file | delete one of the two lines");
  const auto psk = TestHome::write(test_.root() / "pump.psk", key_text(4), 0640).string();
  EXPECT_EQ(error(slave + "psk_file = pump.psk\n"),
            ":4: psk_file: " + psk + " can be read by others | chmod 600 " + psk);
}

TEST_F(ConfigTest, KeysThatMeanNothingAreToldWithTheRemedy) {
  const std::string drop = "delete this line";
  expect_errors({
      {nosec + "prot = 1883\n", ":4: unknown key 'prot' | did you mean 'port'?"},
      {nosec + "Url = h\n", ":4: unknown key 'Url' | did you mean 'url'?"},
      {nosec + "client_id = h\n", ":4: unknown key 'client_id' | did you mean 'clientid'?"},
      {nosec + "keep_alive = 0\n", ":4: unknown key 'keep_alive' | did you mean 'keepalive'?"},
      {nosec + "nonsense = h\n", ":4: unknown key 'nonsense' | sts.conf(5) lists the keys"},
      {nosec + "ip = 127.0.0.1\n", ":4: unknown key 'ip' | older files wrote 'ip' for"},
      {nosec + "mqtt_version = 3\n", ":4: mqtt_version: '3' is no value for it | one of 5, 3.1.1"},
      {nosec + "is_retained = 0\n", ":4: unknown key 'is_retained' | a key of older files"},
      {nosec + "subtop = in\n", ":4: 'subtop' is set in line 1 already | delete one of"},
      {nosec + "aes = cbc\n", ":4: nothing is encrypted with sts_mode = nosec | " + drop},
      {nosec + "peer = a\n", ":4: 'peer' has no meaning with sts_mode = nosec | " + drop},
      {nosec + "psk = " + key_text(1) + "\n", ":4: 'psk' has no meaning with sts_mode = nosec"},
      {nosec + "curve = x25519\n", ":4: 'curve' has no meaning with sts_mode = nosec"},
      {legacy + "peer = first-use\n", ":5: 'peer' has no meaning with aes"},
      {legacy + "psk = " + key_text(1) + "\n", ":5: 'psk' has no meaning with aes"},
      {legacy + "heartbeat = 5\n", ":5: 'heartbeat' has no meaning with aes"},
      {slave + "curve = x25519\n", ":4: 'curve' has no meaning without aes = ecb or cbc | " + drop},
  });
}

}  // namespace
}  // namespace sts::client
