#include "client/config.h"

#include <gtest/gtest.h>

#include <functional>

#include "client/config_values.h"
#include "crypto/random.h"
#include "store/test_home.h"

namespace sts::client {
namespace {

using std::chrono::seconds;
using store::TestHome;
namespace fs = std::filesystem;

std::string key_text(std::uint64_t seed) {
  crypto::SeededRandom random(seed);
  return crypto::to_text(crypto::KeyPair::generate(random).public_key);
}

crypto::PublicKey key(std::uint64_t seed) { return *crypto::parse_public_key(key_text(seed)); }

const std::string topics = "subtop = in\npubtop = out\n";
const std::string nosec = topics + "sts_mode = nosec\n";  // 3 lines each
const std::string master = topics + "sts_mode = master\n";
const std::string slave = topics + "sts_mode = slave\n";
const std::string legacy = topics + "sts_mode = slave\naes = cbc\n";  // 4 lines

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() { crypto::initialise(); }

  Result<Config> load(const std::string& text, mode_t mode = 0600) {
    TestHome::write(path_, text, mode);
    return load_config(path_);
  }
  /// The error without the path in front, and its hint: ":3: what | hint".
  std::string error(const std::string& text, mode_t mode = 0600) {
    auto config = load(text, mode);
    if (config) return "it loads";
    const auto& [code, message, hint] = config.error();
    return (message.starts_with(path_) ? message.substr(path_.size()) : message) + " | " + hint;
  }

  TestHome test_;
  const std::string path_ = (test_.root() / "pump").string();
};

TEST_F(ConfigTest, TheFilesOfTheReferenceLoad) {
  auto plain = load(
      "url  = broker.example.org\nport = 1883\nusername = nosec\npassword = nosec\n"
      "subtop   = telemetry       \npubtop   = telemetry\nclientid = test_nosec\n"
      "sts_mode = nosec\naes      = null\n");
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(plain->url, "broker.example.org");
  EXPECT_EQ(plain->port, 1883);
  EXPECT_EQ(plain->username, "nosec");
  EXPECT_EQ(plain->password, "nosec");
  EXPECT_EQ(plain->subtop, "telemetry");
  EXPECT_EQ(plain->pubtop, "telemetry");
  EXPECT_EQ(plain->clientid, "test_nosec");
  EXPECT_EQ(plain->mode, Mode::nosec);
  EXPECT_EQ(plain->aes, Aes::null);
  EXPECT_EQ(plain->name, "pump");

  for (const auto& [word, mode] :
       {std::pair{"master", Mode::initiator}, {"slave", Mode::responder}}) {
    auto config = load(
        "url  = broker.example.org\nport = 8883\nusername = u\npassword = p\nsubtop   = a\n"
        "pubtop   = b\nclientid = c\nsts_mode = " +
        std::string(word) + "\naes      = cbc\n");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->port, 8883);
    EXPECT_EQ(config->mode, mode);
    EXPECT_EQ(config->aes, Aes::cbc);
    EXPECT_EQ(config->curve, Curve::secp256k1);
  }
}

TEST_F(ConfigTest, TheShippedFilesLoadAndTheirPairsMatch) {
  const fs::path configs = fs::path(STS_SOURCE_DIR) / "configs";
  int count = 0;
  for (const auto& entry : fs::directory_iterator(configs)) {
    auto config = load_config(entry.path().string());
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->url, "localhost");
    EXPECT_TRUE(config->warnings.empty()) << entry.path();
    ++count;
  }
  EXPECT_EQ(count, 5);
  for (const std::string prefix : {"", "legacy-"}) {
    auto initiator = load_config((configs / (prefix + "secmaster")).string());
    auto responder = load_config((configs / (prefix + "secslave")).string());
    ASSERT_TRUE(initiator && responder);
    EXPECT_EQ(initiator->mode, Mode::initiator);
    EXPECT_EQ(responder->mode, Mode::responder);
    EXPECT_EQ(initiator->subtop, responder->pubtop);
    EXPECT_EQ(initiator->pubtop, responder->subtop);
    EXPECT_EQ(initiator->aes, responder->aes);
    EXPECT_TRUE(initiator->clientid.empty() || initiator->clientid != responder->clientid);
  }
}

TEST_F(ConfigTest, Defaults) {
  auto config = load(slave + "peer = first-use\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->url, "localhost");
  EXPECT_EQ(config->port, 1883);
  EXPECT_EQ(config->aes, Aes::null);
  EXPECT_EQ(config->bind_subtop, "in");
  EXPECT_EQ(config->bind_pubtop, "out");
  EXPECT_FALSE(config->psk);
  EXPECT_FALSE(config->timeout);
  EXPECT_EQ(config->rekey_after_messages, 1U << 20U);
  EXPECT_EQ(config->rekey_after_time, seconds(3600));
  EXPECT_TRUE(config->warnings.empty());
}

TEST_F(ConfigTest, EveryKeySetsWhatItSays) {
  const std::string long_value(200, 'x');
  const auto first_use = slave + "peer = first-use\n";
  const struct {
    std::string text;
    std::function<bool(const Config&)> holds;
  } cases[] = {
      {nosec + "name = other", [](auto& c) { return c.name == "other"; }},
      {nosec + "url = ::1", [](auto& c) { return c.url == "::1"; }},
      {nosec + "url = " + long_value, [&](auto& c) { return c.url == long_value; }},
      {nosec + "port = 1", [](auto& c) { return c.port == 1; }},
      {nosec + "port = 65535", [](auto& c) { return c.port == 65535; }},
      {nosec + "username = \xc3\xa4 b", [](auto& c) { return c.username == "\xc3\xa4 b"; }},
      {nosec + "username =\npassword=\nclientid =  ",
       [](auto& c) { return c.username.empty() && c.password.empty() && c.clientid.empty(); }},
      {nosec + "username = u\npassword = a = #b\xff",
       [](auto& c) { return c.password == "a = #b\xff"; }},
      {nosec + "username = u\npassword = " + long_value,
       [&](auto& c) { return c.password == long_value; }},
      {nosec + "clientid = " + long_value, [&](auto& c) { return c.clientid == long_value; }},
      {"subtop = " + long_value + "\npubtop = o\nsts_mode = nosec",
       [&](auto& c) { return c.subtop == long_value; }},
      {"subtop = " + std::string(65535, 't') + "\npubtop = o\nsts_mode = nosec",
       [](auto& c) { return c.subtop.size() == 65535; }},
      {"subtop = +/a/#\npubtop = o\nsts_mode = nosec", [](auto& c) { return c.subtop == "+/a/#"; }},
      {"subtop = $share/g/a\npubtop = o\nsts_mode = nosec",
       [](auto& c) { return c.subtop == "$share/g/a"; }},
      {nosec + "timeout = 1", [](auto& c) { return c.timeout == seconds(1); }},
      {nosec + "keepalive = 5", [](auto& c) { return c.keep_alive == seconds(5); }},
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
       [](auto& c) { return std::get<crypto::PublicKey>(c.peers.at(0)) == key(1); }},
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

TEST_F(ConfigTest, Forms) {
  for (const std::string text : {
           "url=h\nsubtop=a\npubtop=b\nsts_mode=nosec",                        // no last newline
           "url = h\r\nsubtop = a\r\n\r\npubtop = b\r\nsts_mode = nosec\r\n",  // CRLF
           "\xEF\xBB\xBFurl = h\nsubtop = a\npubtop = b\nsts_mode = nosec\n",  // byte order mark
           "# c\n \t# = d\n\n\turl\t=\th \nsubtop=a\npubtop=b\nsts_mode = nosec\n   \n",
       }) {
    auto config = load(text);
    ASSERT_TRUE(config) << text << "\n" << config.error().message;
    EXPECT_EQ(config->url, "h");
    EXPECT_EQ(config->subtop, "a");
  }
  auto config = load("subtop = a # b\npubtop = a b\nsts_mode = nosec\nclientid = # = x");
  EXPECT_FALSE(config) << "a '#' at the end is part of the value, here a wildcard out of place";
  config = load("subtop = a\npubtop = a b\nsts_mode = nosec\nclientid = x # = y");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->pubtop, "a b");
  EXPECT_EQ(config->clientid, "x # = y");
}

TEST_F(ConfigTest, ErrorsNameTheLineAndTheRemedy) {
  const std::string numbers = "a whole number from ";
  const std::string drop = "delete this line";
  const std::string peers =
      "a key of 44 characters, a name from 'sts peer list', first-use or trusted";
  const struct {
    std::string text, error;  // the error's beginning
  } cases[] = {
      // Lines.
      {"", ":1: the file ends without 'sts_mode' | add a line 'sts_mode = '"},
      {"# only\n\n", ":2: the file ends without 'sts_mode' | "},
      {"url\n", ":1: no '=' in this line | write 'key = value'"},
      {nosec + "\n= x\n", ":5: no key before the '=' | write 'key = value'"},
      {nosec + "prot = 1883\n", ":4: unknown key 'prot' | did you mean 'port'?"},
      {nosec + "Url = h\n", ":4: unknown key 'Url' | did you mean 'url'?"},
      {nosec + "client_id = h\n", ":4: unknown key 'client_id' | did you mean 'clientid'?"},
      {nosec + "keep_alive = 0\n", ":4: unknown key 'keep_alive' | did you mean 'keepalive'?"},
      {nosec + "nonsense = h\n", ":4: unknown key 'nonsense' | sts.conf(5) lists the keys"},
      {nosec + "ip = 127.0.0.1\n", ":4: unknown key 'ip' | older files wrote 'ip' for"},
      {nosec + "mqtt_version = 4\n", ":4: unknown key 'mqtt_version' | a key of older files"},
      {nosec + "qos = 0\n", ":4: unknown key 'qos' | a key of older files"},
      {nosec + std::string(65, 'k') + " = 0\n", ":4: no key is that long | sts.conf(5)"},
      {nosec + "subtop = in\n", ":4: 'subtop' is set in line 1 already | delete one of"},
      {nosec + std::string("url = a\0b\n", 10), ":4: a control character"},
      {nosec + "url = a\x1b[2J\n", ":4: a control character"},
      {nosec + "\xff\xfe = a\n", ":4: a control character or a byte that is no text"},
      {nosec + "clientid = \xc3\n", ":4: 'clientid' is not UTF-8 | save the file"},
      {nosec + "clientid = " + std::string(65536, 'x') + "\n",
       ":4: 'clientid' is longer than 65535"},
      // Values.
      {nosec + "name = a b\n", ":4: name: 'a b' is not a valid name | 1 to 64 letters"},
      {nosec + "name = trusted\n", ":4: name: 'trusted' is not a valid name"},
      {nosec + "url =\n", ":4: url: '' is no host | the name or address"},
      {nosec + "url = mqtt://h\n", ":4: url: 'mqtt://h' is no host | the name or address"},
      {nosec + "url = h:1883\n", ":4: url: 'h:1883' is no host | "},
      {nosec + "port = 0\n", ":4: port: '0' is no value for it | " + numbers + "1 to 65535"},
      {nosec + "port = 65536\n", ":4: port: '65536' is no"},
      {nosec + "port = -1\n", ":4: port: '-1' is no"},
      {nosec + "port = 1883x\n", ":4: port: '1883x' is no"},
      {nosec + "port =\n", ":4: port: '' is no"},
      {nosec + "port = 99999999999999999999999\n", ":4: port: "},
      {nosec + "password = x\n", ":4: a password without a username | add a line 'username"},
      {topics + "sts_mode = mastre\n",
       ":3: sts_mode: 'mastre' is no value for it | one of nosec, master, slave"},
      {nosec + "aes =\n", ":4: aes: '' is no value for it | one of null, ecb, cbc"},
      {nosec + "aes = gcm\n", ":4: aes: 'gcm' is no value for it | one of null, ecb, cbc"},
      {legacy + "curve = p256\n",
       ":5: curve: 'p256' is no value for it | one of secp256k1, x25519"},
      {nosec + "timeout = 0\n", ":4: timeout: '0' is no value for it | " + numbers + "1 to 86400"},
      {nosec + "keepalive = 4\n",
       ":4: keepalive: '4' is no value for it | " + numbers + "5 to 65535"},
      {slave + "heartbeat = 86401\n", ":4: heartbeat: "},
      {slave + "rekey_after_messages = 0\n", ":4: rekey_after_messages: "},
      {slave + "rekey_after_messages = 1048577\n",
       ":4: rekey_after_messages: '1048577' is no value for it | " + numbers + "1 to 1048576"},
      {slave + "rekey_after_time = 0\n", ":4: rekey_after_time: "},
      {slave + "rekey_after_time = 3601\n",
       ":4: rekey_after_time: '3601' is no value for it | " + numbers + "1 to 3600"},
      // Topics.
      {"pubtop = b\nsts_mode = nosec\n", ":2: the file ends without 'subtop' | add a line 'subtop"},
      {"subtop = b\nsts_mode = nosec\n", ":2: the file ends without 'pubtop' | add a line 'pubtop"},
      {"subtop =\n", ":1: subtop: no topic given | name a topic"},
      {"pubtop =\n", ":1: pubtop: no topic given | name a topic"},
      {"subtop = a#\n", ":1: subtop: a wildcard where it may not be in 'a#' | '+' and '#'"},
      {"subtop = a/#/b\n", ":1: subtop: a wildcard where it may not be"},
      {"subtop = a+/b\n", ":1: subtop: a wildcard where it may not be"},
      {"pubtop = a/+\n", ":1: pubtop: a wildcard in 'a/+' | name one topic"},
      {"subtop = a/+\npubtop = o\nsts_mode = slave\npeer = first-use\n",
       ":1: a wildcard in 'a/+' | name one topic"},
      {"subtop = a/#\npubtop = o\nsts_mode = slave\naes = ecb\n", ":1: a wildcard in 'a/#'"},
      {"subtop = $share/g/a\npubtop = o\nsts_mode = slave\naes = ecb\n",
       ":1: a shared subscription"},
      {"pubtop = a\nsubtop = a\nsts_mode = master\npeer = first-use\n",
       ":2: the same topic as pubtop: this side would hear itself | use two topics"},
      {"pubtop = a\nsubtop = a\nsts_mode = master\naes = cbc\n", ":2: the same topic as pubtop"},
      {slave + "peer = first-use\nbind_subtop = out\n", ":5: the same topic for both directions"},
      {slave + "bind_subtop = a/#\n", ":4: bind_subtop: a wildcard in 'a/#'"},
      // Peers and psk.
      {master, ":3: no peer to speak to | add a line 'peer = '"},
      {slave + "aes = null\n", ":3: no peer to speak to"},
      {slave + "peer =\n", ":4: peer: '' is neither a key nor a name | " + peers},
      {slave + "peer = a,,b\n", ":4: peer: '' is neither a key nor a name | " + peers},
      {slave + "peer = a b\n", ":4: peer: 'a b' is neither a key nor a name | " + peers},
      {slave + "peer = " + key_text(1).substr(1) + "\n", ":4: peer: a key is 44 characters"},
      {slave + "peer = a, first-use\n", ":4: peer: first-use and trusted each stand alone"},
      {slave + "peer = trusted, first-use\n", ":4: peer: first-use and trusted each stand alone"},
      {slave + "peer = a, b, a\n", ":4: peer: 'a' is in the list twice"},
      {slave + "peer = " + key_text(1) + "," + key_text(1) + "\n", ":4: peer: '" + key_text(1)},
      {master + "peer = trusted\n", ":4: trusted is for a slave: a master has one peer"},
      {master + "peer = a, b\n", ":4: more than one peer: a master has one"},
      {slave + "psk = short\n", ":4: psk: a key is 44 characters"},
      {slave + "psk = " + crypto::to_text(crypto::Secret<32>()) + "\n", ":4: psk: a psk of zeros"},
      {slave + "psk_file = absent\n", ":4: psk_file: there is no file " +
                                          (test_.root() / "absent").string() +
                                          " | the path counts"},
      {slave + "psk_file =\n", ":4: psk_file: " + test_.root().string() + "/ is a directory"},
      // What means nothing where it stands.
      {nosec + "aes = cbc\n", ":4: nothing is encrypted with sts_mode = nosec | " + drop},
      {nosec + "peer = a\n", ":4: 'peer' has no meaning with sts_mode = nosec | " + drop},
      {nosec + "psk = " + key_text(1) + "\n", ":4: 'psk' has no meaning with sts_mode = nosec"},
      {nosec + "curve = x25519\n", ":4: 'curve' has no meaning with sts_mode = nosec"},
      {legacy + "peer = first-use\n", ":5: 'peer' has no meaning with aes"},
      {legacy + "psk = " + key_text(1) + "\n", ":5: 'psk' has no meaning with aes"},
      {legacy + "heartbeat = 5\n", ":5: 'heartbeat' has no meaning with aes"},
      {slave + "curve = x25519\n", ":4: 'curve' has no meaning without aes = ecb or cbc | " + drop},
  };
  for (const auto& [text, expected] : cases) {
    const auto found = error(text);
    EXPECT_TRUE(found.starts_with(expected))
        << text << "\n  is: " << found << "\n  not: " << expected;
    EXPECT_FALSE(found.ends_with(" | ")) << "no hint: " << found;
    EXPECT_EQ(found.find('\n'), std::string::npos) << found;
  }
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

TEST_F(ConfigTest, APskThatOthersCanReadIsRefused) {
  const auto text = slave + "peer = first-use\npsk = " + key_text(4) + "\n";
  for (const mode_t mode : {0640U, 0604U, 0660U, 0606U}) {
    EXPECT_EQ(error(text, mode), ":5: a psk in a file that others can read | chmod 600 " + path_);
  }
  EXPECT_TRUE(load(text, 0600));
  EXPECT_TRUE(load(text, 0400));
}

TEST_F(ConfigTest, APasswordThatOthersCanReadIsAWarning) {
  const auto text = nosec + "username = u\npassword = secret\n";
  EXPECT_TRUE(load(text, 0600)->warnings.empty());
  auto config = load(text, 0644);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->warnings, std::vector<std::string>{path_ +
                                                       ":5: a password in a file that others can "
                                                       "read (chmod 600 " +
                                                       path_ + ")"});
  EXPECT_TRUE(load(nosec + "username = u\npassword =\n", 0644)->warnings.empty());
}

TEST_F(ConfigTest, TheFilesNameMustServeAsThePinsName) {
  const auto odd = TestHome::write(test_.root() / "my pump", slave + "peer = first-use\n").string();
  auto config = load_config(odd);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().message,
            odd + ":4: no pin can be stored under the file's name 'my pump'");
  TestHome::write(odd, slave + "peer = first-use\nname = my-pump\n");
  config = load_config(odd);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->name, "my-pump");
  TestHome::write(odd, slave + "peer = valve\n");
  EXPECT_TRUE(load_config(odd)) << "nothing is pinned";
}

TEST_F(ConfigTest, WhatIsNoConfigFileIsToldAsSuch) {
  const auto message = [](const std::string& path) { return load_config(path).error().message; };
  const auto absent = (test_.root() / "absent").string();
  EXPECT_EQ(message(absent), "there is no file " + absent);
  EXPECT_EQ(message(test_.root().string()), test_.root().string() + " is a directory, not a file");
  EXPECT_EQ(message("/dev/zero"), "/dev/zero is a device, not a file");
  EXPECT_EQ(message(""), "there is no file ");
  EXPECT_EQ(error(std::string(std::size_t{10} << 20U, '\n')).find(" is larger than 1048576 bytes"),
            0U);
  // As many settings as fit: neither slow nor accepted.
  std::string many;
  while (many.size() < 1'000'000) many += "a=\n";
  EXPECT_TRUE(error(many).starts_with(":1: unknown key 'a'"));
}

TEST(ConfigValues, Utf8) {
  for (const char* good : {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(valid_utf8(good)) << good;
  }
  for (const char* bad :
       {"\x80", "\xc1\xbf", "\xc2", "\xc2\x7f", "\xe0\x9f\xbf", "\xe0\xa0", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    EXPECT_FALSE(valid_utf8(bad)) << bad;
  }
}

TEST(ConfigValues, EditDistance) {
  EXPECT_EQ(edit_distance("port", "port"), 0U);
  EXPECT_EQ(edit_distance("prot", "port"), 1U);
  EXPECT_EQ(edit_distance("por", "port"), 1U);
  EXPECT_EQ(edit_distance("", "port"), 4U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

}  // namespace
}  // namespace sts::client
