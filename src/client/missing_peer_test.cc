// What people are told where no session comes about.
#include "client/pair_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class MissingPeerTest : public PairWorld {
 protected:
  static bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }
  static Config with_topics(Mode mode, const std::string& sub, const std::string& pub) {
    Config out = config(mode);
    out.subtop = out.bind_subtop = sub;
    out.pubtop = out.bind_pubtop = pub;
    return out;
  }
  /// The hint that the start ends with.
  std::string last_hint(Side& who) {
    EXPECT_EQ(failure(who), "no session after 40 s") << who.seen.log();
    return who.seen.failed ? who.seen.failed->hint : "";
  }
  void run_both(Config a, Config b) {
    run(slave, std::move(a), 40s);
    run(master, std::move(b), 40s);
    run_for(1min);
  }
};

TEST_F(MissingPeerTest, AStartThatGivesUpNamesWhatThePeerNeeds) {
  run(master, config(Mode::initiator), 40s);
  run_for(1min);
  EXPECT_TRUE(has(last_hint(master), "sts_mode = slave, subtop = up and pubtop = down"));
  EXPECT_FALSE(master.seen.logged("session stopped")) << "there was none";
}

TEST_F(MissingPeerTest, OnTheTopicsOfAOneShotItNamesThatToo) {
  run(master, with_topics(Mode::initiator, "up/return", "up"), 40s);
  run(slave, with_topics(Mode::responder, "down", "down/return"), 40s);
  run_for(1min);
  EXPECT_TRUE(has(last_hint(master), "'sts sub --peer ME -t up'"));
  EXPECT_TRUE(has(last_hint(master), "sts_mode = slave, subtop = up and pubtop = up/return"));
  EXPECT_TRUE(has(last_hint(slave), "'sts pub --peer ME -t down'"));
}

TEST_F(MissingPeerTest, AStartWithoutATimeoutSaysItOnceAfterAWhile) {
  run(slave, config(Mode::responder));
  run_for(29s);
  EXPECT_FALSE(slave.seen.logged("still waiting"));
  run_for(24h);
  EXPECT_EQ(slave.seen.count("still waiting for the peer"), 1U);
  EXPECT_TRUE(has(slave.seen.lines.back().hint, "sts_mode = master, subtop = down"));
  run(master, config(Mode::initiator));
  run_for(1h);
  EXPECT_EQ(master.seen.count("still waiting"), 0U);
}

TEST_F(MissingPeerTest, ABrokerThatDoesNotAnswerIsTheReasonWhereItIs) {
  broker.answers_subscribe = false;
  run(master, config(Mode::initiator), 5s);
  run_for(6s);
  EXPECT_EQ(failure(master), "no session after 5 s: no answer from localhost:1883");
  EXPECT_TRUE(has(master.seen.failed->hint, "check url and port"));
}

TEST_F(MissingPeerTest, BothMastersOnCrossedTopics) {
  run_both(with_topics(Mode::initiator, "up", "down"), config(Mode::initiator));
  for (auto* who : {&slave, &master}) {
    EXPECT_TRUE(who->seen.logged("is master as well")) << who->seen.log();
    EXPECT_EQ(last_hint(*who), "set sts_mode = slave on one side");
  }
}

TEST_F(MissingPeerTest, BothSlavesOnCrossedTopics) {
  // The second comes on the topic before anything is said there again.
  run_both(config(Mode::responder), with_topics(Mode::responder, "down", "up"));
  EXPECT_TRUE(slave.seen.logged("the peer on up is slave as well")) << slave.seen.log();
  EXPECT_EQ(last_hint(slave), "set sts_mode = master on one side");
  EXPECT_TRUE(has(last_hint(master), "sts_mode = master, subtop = up and pubtop = down"));
}

TEST_F(MissingPeerTest, TheSameRoleOnTheSameTopicsIsSilenceWithAHint) {
  run_both(config(Mode::responder), config(Mode::responder));
  for (auto* who : {&slave, &master}) {
    EXPECT_TRUE(has(last_hint(*who), "sts_mode = master, subtop = down and pubtop = up"));
  }
}

TEST_F(MissingPeerTest, TopicsThatAreNotCrossedOverAreSilenceWithAHint) {
  run_both(with_topics(Mode::responder, "down", "up"), config(Mode::initiator));
  EXPECT_TRUE(has(last_hint(master), "subtop = up and pubtop = down"));
  EXPECT_TRUE(has(last_hint(slave), "subtop = up and pubtop = down"));
}

TEST_F(MissingPeerTest, AWrongPinnedKeyIsNamedWithTheExpectedOneAndTheRemedy) {
  const auto wrong = crypto::KeyPair::generate(master.random).public_key;
  run_both(config(Mode::responder), pinned(Mode::initiator, wrong));
  EXPECT_TRUE(master.seen.logged("is not the pinned peer of config pump: fingerprint " +
                                 crypto::fingerprint(slave.key()) + ", expected " +
                                 crypto::fingerprint(wrong)))
      << master.seen.log();
  EXPECT_TRUE(has(last_hint(master), "set peer = KEY in the config file"));
  EXPECT_TRUE(last_hint(master).starts_with("most likely a stranger"));
  EXPECT_TRUE(has(last_hint(slave), "sts key show"));
}

TEST_F(MissingPeerTest, AChangedKeyAfterFirstUseNamesThePinToRemove) {
  ASSERT_TRUE(store::add_peer(master.home,
                              {"pump", crypto::KeyPair::generate(master.random).public_key, {}}));
  run_both(config(Mode::responder), config(Mode::initiator));
  EXPECT_TRUE(has(last_hint(master), "sts peer remove pump, then sts peer add pump KEY"));
}

TEST_F(MissingPeerTest, AChangedKeyOfANamedPeerNamesBothCommands) {
  ASSERT_TRUE(store::add_peer(master.home,
                              {"gate", crypto::KeyPair::generate(master.random).public_key, {}}));
  auto named = config(Mode::initiator);
  named.peers = {std::string("gate")};
  run_both(config(Mode::responder), std::move(named));
  EXPECT_TRUE(has(last_hint(master), "sts peer remove gate, then sts peer add gate KEY"));
  EXPECT_FALSE(has(last_hint(master), crypto::to_text(slave.key()))) << "whose it is, nobody knows";
}

TEST_F(MissingPeerTest, AOneShotNamesItsTopic) {
  ASSERT_TRUE(store::add_peer(master.home,
                              {"gate", crypto::KeyPair::generate(master.random).public_key, {}}));
  auto named = config(Mode::initiator);
  named.peers = {std::string("gate")};
  named.peer_line = "--peer";
  run_both(config(Mode::responder), std::move(named));
  EXPECT_TRUE(master.seen.logged("is not the pinned peer of topic up: ")) << master.seen.log();
}

TEST_F(MissingPeerTest, AStrangerAtASlaveWithSeveralPeersIsCounted) {
  auto several = config(Mode::responder);
  several.peers = {crypto::KeyPair::generate(slave.random).public_key,
                   crypto::KeyPair::generate(slave.random).public_key};
  run_both(std::move(several), config(Mode::initiator));
  EXPECT_TRUE(slave.seen.logged("is none of the 2 peers of config pump")) << slave.seen.log();
  EXPECT_TRUE(has(last_hint(slave), "add it to `peer`"));
}

}  // namespace
}  // namespace sts::client
