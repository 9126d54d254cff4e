#include "client/config.h"

#include <gtest/gtest.h>

#include "client/test_config.h"

namespace sts::client {
namespace {

using std::chrono::seconds;
namespace fs = std::filesystem;

TEST_F(ConfigTest, TheFilesOfTheReferenceLoad) {
  auto plain = load(
      "url  = broker.example.org\nport = 1883\nusername = nosec\npassword = nosec\n"
      "subtop   = telemetry       \npubtop   = telemetry\nclientid = test_nosec\n"
      "sts_mode = nosec\naes      = null\n");
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(plain->broker.host, "broker.example.org");
  EXPECT_EQ(plain->broker.port, 1883);
  EXPECT_EQ(plain->broker.username, "nosec");
  EXPECT_EQ(plain->broker.password, "nosec");
  EXPECT_EQ(plain->subtop, "telemetry");
  EXPECT_EQ(plain->pubtop, "telemetry");
  EXPECT_EQ(plain->broker.client_id, "test_nosec");
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
    EXPECT_EQ(config->broker.port, 8883);
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
    EXPECT_EQ(config->broker.host, "localhost");
    EXPECT_TRUE(config->warnings.empty()) << entry.path();
    ++count;
  }
  EXPECT_EQ(count, 6);
  for (const std::string prefix : {"", "legacy-"}) {
    auto initiator = load_config((configs / (prefix + "secmaster")).string());
    auto responder = load_config((configs / (prefix + "secslave")).string());
    ASSERT_TRUE(initiator && responder);
    EXPECT_EQ(initiator->mode, Mode::initiator);
    EXPECT_EQ(responder->mode, Mode::responder);
    EXPECT_EQ(initiator->subtop, responder->pubtop);
    EXPECT_EQ(initiator->pubtop, responder->subtop);
    EXPECT_EQ(initiator->aes, responder->aes);
    EXPECT_TRUE(initiator->broker.client_id.empty() ||
                initiator->broker.client_id != responder->broker.client_id);
  }
}

TEST_F(ConfigTest, Defaults) {
  auto config = load(slave + "peer = first-use\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->broker.host, "localhost");
  EXPECT_EQ(config->broker.port, 1883);
  EXPECT_EQ(config->aes, Aes::null);
  EXPECT_EQ(config->bind_subtop, "in");
  EXPECT_EQ(config->bind_pubtop, "out");
  EXPECT_FALSE(config->psk);
  EXPECT_FALSE(config->timeout);
  EXPECT_EQ(config->rekey_after_messages, 1U << 20U);
  EXPECT_EQ(config->rekey_after_time, seconds(3600));
  EXPECT_TRUE(config->warnings.empty());
}

TEST_F(ConfigTest, WhatDoesNotGoTogetherIsToldWithTheRemedy) {
  expect_errors({
      {"", ":1: the file ends without 'sts_mode' | add a line 'sts_mode = '"},
      {"# only\n\n", ":2: the file ends without 'sts_mode' | "},
      {nosec + "password = x\n", ":4: a password without a username | add a line 'username"},
      {"pubtop = b\nsts_mode = nosec\n", ":2: the file ends without 'subtop' | add a line 'subtop"},
      {"subtop = b\nsts_mode = nosec\n", ":2: the file ends without 'pubtop' | add a line 'pubtop"},
      {"subtop = a/+\npubtop = o\nsts_mode = slave\npeer = first-use\n",
       ":1: a wildcard in 'a/+' | name one topic"},
      {"subtop = a/#\npubtop = o\nsts_mode = slave\naes = ecb\n", ":1: a wildcard in 'a/#'"},
      {"subtop = $share/g/a\npubtop = o\nsts_mode = slave\naes = ecb\n",
       ":1: a shared subscription"},
      {"pubtop = a\nsubtop = a\nsts_mode = master\npeer = first-use\n",
       ":2: the same topic as pubtop: this side would hear itself | use two topics"},
      {"pubtop = a\nsubtop = a\nsts_mode = master\naes = cbc\n", ":2: the same topic as pubtop"},
      {slave + "peer = first-use\nbind_subtop = out\n", ":5: the same topic for both directions"},
      {master, ":3: no peer to speak to | add a line 'peer = '"},
      {slave + "aes = null\n", ":3: no peer to speak to"},
      {master + "peer = trusted\n", ":4: trusted is for a slave: a master has one peer"},
      {master + "peer = a, b\n", ":4: more than one peer: a master has one"},
  });
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

}  // namespace
}  // namespace sts::client
