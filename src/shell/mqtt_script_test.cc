// Topics and several sessions in scripts, on the fake client.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "shell/script_process.h"

namespace sts::shell {
namespace {

TEST(MqttScript, WhatIsSubscribedToIsShownWithItsTopic) {
  const auto outcome =
      run("connect up\nsub t/+ 2\npub -r -q 0 t/a  21.5 \npub t/b x\npub other y\nsub #\n"
          "pub gate z\npub gate: z\ntopics\nunsub t/+\nunsub #\ntopics\n");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.said;
  EXPECT_TRUE(outcome.has("subscribed to 't/+' with QoS 1\n"));
  EXPECT_TRUE(outcome.has("publish t/a QoS 0 retained\n"));
  EXPECT_TRUE(outcome.has("# [MQTT_INC] t/a:  21.5 \n"));
  EXPECT_TRUE(outcome.has("publish t/b QoS 1\n"));
  EXPECT_TRUE(outcome.has("[MQTT_INC] t/b: x\n"));
  EXPECT_FALSE(outcome.has("other: y"));
  EXPECT_TRUE(outcome.has("[MQTT_INC] \"gate\": z\n")) << "no name of a peer";
  EXPECT_TRUE(outcome.has("[MQTT_INC] \"gate:\": z\n"));
  EXPECT_TRUE(outcome.has("sts: t/+  QoS 1 (2 asked for)\n"));
  EXPECT_TRUE(outcome.has("unsubscribed from 't/+'\n"));
  EXPECT_TRUE(outcome.has("sts: no subscriptions\n"));
}

TEST(MqttScript, Channels) {
  const auto outcome =
      run("start plant\nsub t/+ 2\npub t/a 21.5\npub gate x\nchannels\nstatus\nreaders t/a\n"
          "readers no/one\n");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.said;
  EXPECT_TRUE(outcome.has("[MQTT_INC] pump t/a: 21.5\n"));
  EXPECT_TRUE(outcome.has("sts: t/+  QoS 1 (2 asked for)\n"));
  EXPECT_TRUE(outcome.has("sts: pump t/a: 3 received, 1 missing, 0 repeated"));
  EXPECT_TRUE(outcome.has("sts: valve t/b: 1 received, 0 missing"));
  EXPECT_TRUE(
      outcome.has("channels:        4 received, 1 missing, 0 repeated, 0 reordered, 0 late, 2 "
                  "forged, 0 rolled back\n"));
  EXPECT_TRUE(outcome.has("sts: may read:  gateway  1234-5678\n"));
  EXPECT_TRUE(outcome.has("sts: may write: pump  8765-4321\n"));
  EXPECT_TRUE(outcome.has("sts: nobody may read (sts peer add NAME KEY --reads no/one)\n"));
  EXPECT_TRUE(run("start up\nchannels\n").has("error: this session has no channels\nhint: "));
}

TEST(MqttScript, ARefusedSubscriptionFailsTheScript) {
  const auto outcome = run("connect up\nsub no\n");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(outcome.has("[ERROR] # not authorised\nhint: check the topic"));
}

TEST(MqttScript, WrongArgumentsAreErrors) {
  for (const char* line : {"sub t 3",
                           "sub",
                           "sub t x",
                           "pub",
                           "pub -x t m",
                           "pub -q 3 t m",
                           "unsub",
                           "connect up more",
                           "connect a=b",
                           "connect peer=first-use",
                           "connect sts_mode=master",
                           "connect port=0",
                           "connect no/such/file",
                           "log loud",
                           "use nobody",
                           "watch x",
                           "watch 1 0",
                           "set port x",
                           "set nonsense 1",
                           "set psk x",
                           "set -u port",
                           "source no/such/file",
                           "source"}) {
    const auto outcome = run("connect up\n" + std::string(line) + "\n");
    EXPECT_EQ(outcome.exit_code, 1) << line;
    EXPECT_TRUE(outcome.has("error: ")) << line << outcome.said;
    EXPECT_TRUE(outcome.has("hint: ")) << line << outcome.said;
  }
  for (const char* line : {"sub t", "unsub t", "pub t m", "topics", "watch", "disconnect"}) {
    EXPECT_TRUE(run(line).has("error: no session\nhint: 'start CONFIG' or 'connect'")) << line;
  }
}

TEST(MqttScript, NoRoomIsWaitedFor) {
  const auto outcome = run("connect full\npub t a\npub t b\n");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.said;
  EXPECT_TRUE(outcome.has("[MQTT_OUT]: 62\n"));
}

TEST(MqttScript, SeveralSessionsAndOneCurrent) {
  const auto outcome =
      run("start up\nconnect up name=b\nsub t/x\nuse\nuse up\npub t/x to-up\nuse b\npub t/x to-b\n"
          "start up\nstop\nsendenc x\nuse up\nsendenc hi\n");
  EXPECT_TRUE(outcome.has("sts: * b ")) << outcome.said;
  EXPECT_TRUE(outcome.has("sts:   up "));
  EXPECT_TRUE(outcome.has("# [MQTT_INC] t/x: to-b\n"));
  EXPECT_FALSE(outcome.has("t/x: to-up"));
  EXPECT_TRUE(outcome.has("error: a session called 'up' is started already\nhint: 'use up'"));
  EXPECT_TRUE(
      outcome.has("error: no session is the current one\nhint: 'use NAME' picks one of up"));
  EXPECT_TRUE(outcome.has("# [MQTT_OUT]: 6869\n"));
  EXPECT_EQ(outcome.exit_code, 1);
}

TEST(MqttScript, LinesOfOthersHaveTheirNameAndTheEndStopsAll) {
  const auto outcome = run("start up\nconnect b\nuse up\nuse b\nexit\n");
  EXPECT_TRUE(outcome.has("# up: fake: stop\n")) << outcome.said;
  EXPECT_TRUE(outcome.has("# up: fake: state 0\n"));
}

TEST(MqttScript, LogLevelHidesWhatComesButNotWhatCommandsShow) {
  const auto outcome =
      run("connect up\nlog warning\nsub t\npub t x\nlog\nstatus\ntopics\nlog info\npub t y\n");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.said;
  EXPECT_FALSE(outcome.has("x\n"));
  EXPECT_TRUE(outcome.has("warning\n"));
  EXPECT_TRUE(outcome.has("status:          ONLINE"));
  EXPECT_TRUE(outcome.has("sts: t  QoS 1"));
  EXPECT_TRUE(outcome.has("[MQTT_INC] \"t\": y"));
}

TEST(MqttScript, SetKeepsDefaultsAndShowsNoPassword) {
  const auto outcome =
      run("set url nowhere\nset name up\nset username John Doe\nset password open sesame\nset\n"
          "connect\nstatus\nset -u username\nset username\nset password_from "
          "file:/no/such\nconnect x\n");
  EXPECT_TRUE(outcome.has("username = John Doe\n")) << outcome.said;
  EXPECT_TRUE(outcome.has("password = (not shown)\n"));
  EXPECT_FALSE(outcome.has("sesame"));
  EXPECT_TRUE(outcome.has("start up for 30 s"));
  EXPECT_TRUE(outcome.has("not set\n"));
  EXPECT_TRUE(outcome.has("error: password_from: ")) << outcome.said;
  EXPECT_EQ(outcome.exit_code, 1);
}

TEST(MqttScript, WatchEndsAfterItsCount) {
  const auto outcome = run("connect up\nsub #\npub a/b 12345\nwatch 1 1\nhelp watch\n");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.said;
  EXPECT_TRUE(outcome.has("B/s  a/b\n") || outcome.has("# no messages\n")) << outcome.said;
}

class SourceTest : public testing::Test {
 protected:
  SourceTest() {
    std::string name = std::filesystem::temp_directory_path() / "sts-source-XXXXXX";
    directory_ = mkdtemp(name.data());
  }
  ~SourceTest() override { std::filesystem::remove_all(directory_); }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ / name) << text;
    return (directory_ / name).string();
  }

  std::filesystem::path directory_;
};

TEST_F(SourceTest, RunsEachLineInTurnAndNamesTheLineOfAnError) {
  const auto inner = file("inner", "connect up\nnonsense\nsub t");
  const auto outer = file("outer", "# all of it\nsource " + inner + "\npub t x\n");
  const auto outcome = run("source " + outer + "\npub t y");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(outcome.has("error: " + inner + ":2: unknown command 'nonsense'\n")) << outcome.said;
  const auto x = outcome.said.find("publish t QoS 1"), y = outcome.said.find("[MQTT_OUT]: 79");
  EXPECT_LT(x, y);
  EXPECT_NE(y, std::string::npos);
  EXPECT_EQ(run("source " + file("good", "connect up\nsub t\n")).exit_code, 0);
}

TEST_F(SourceTest, AFailedConnectionNamesItsLine) {
  const auto path = file("bad", "\nconnect refused\n");
  EXPECT_TRUE(run("source " + path).has("error: " + path + ":2: no session\n"));
}

TEST_F(SourceTest, NoFileSourcesItselfForEver) {
  const auto path = (directory_ / "self").string();
  const auto outcome = run("source " + file("self", "source " + path + "\n"));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(outcome.has("error: " + path + ":1: 8 files deep")) << outcome.said;
}

}  // namespace
}  // namespace sts::shell
