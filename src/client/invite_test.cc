// Invites between clients on a broker in memory. The command sends "joined"; here the pins count.
#include "client/invite.h"

#include "client/test_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class InviteTest : public World {
 protected:
  InviteTest() {
    random_.fill(invite_.secret.writable());
    invite_.inviter = inviter.key();
  }

  Config session(Mode mode, Enrolment enrolment = {}) const {
    Config out;
    make_invite_session(out, invite_, mode, std::move(enrolment));
    return out;
  }
  void invite(Enrolment enrolment = {}) {
    auto config = session(Mode::responder, std::move(enrolment));
    config.invite_end = now + std::chrono::seconds(invite_.lifetime);
    run(inviter, std::move(config));
    ASSERT_EQ(inviter.state(), State::waiting) << inviter.seen.log();
  }
  /// Tries for a minute.
  bool joins(Side& who) {
    run(who, session(Mode::initiator));
    run_for(1min);
    return who.state() == State::up;
  }
  static std::string trust(Side& who) {
    std::string out;
    const auto peers = store::load_peers(who.home);
    for (const auto& peer : *peers) {
      out += peer.name + (peer.psk ? " psk" : "") + store::to_words(peer.rights) + "\n";
    }
    return out;
  }

  Side& inviter = side();
  Side& joiner = side();
  protocol::Invite invite_{{}, {}, 1'700'000'000, 600};

 private:
  crypto::SeededRandom random_{7};
};

TEST_F(InviteTest, TheFirstThatHoldsTheTokenIsPinnedWithItsRights) {
  invite({"pump", {{"a/#"}, {"b"}}});
  ASSERT_TRUE(joins(joiner)) << joiner.seen.log();
  EXPECT_EQ(trust(inviter), "pump reads=a/# writes=b\n");
  EXPECT_EQ(store::load_peers(inviter.home)->at(0).key, joiner.key());
  EXPECT_EQ(inviter->status().peers.at(0).name, "pump");
  EXPECT_EQ(trust(joiner), "") << "is for the caller to store";
  ASSERT_TRUE(joiner->send_encrypted(protocol::joined));
  joiner->stop(false);
  run_for(3s);
  EXPECT_EQ(inviter.seen.messages, std::vector<std::string>{"joined"});
  EXPECT_EQ(inviter.state(), State::waiting) << "it goes on";
  EXPECT_FALSE(joiner.seen.failed);
  for (auto* who : {&inviter, &joiner}) EXPECT_FALSE(who->seen.logged("sts key show"));
}

TEST_F(InviteTest, ATokenIsForOneAndThatOneMayTryAgain) {
  invite({"pump", {}});
  ASSERT_TRUE(joins(joiner));
  joiner->stop(true);
  run();
  Side& other = side();
  EXPECT_FALSE(joins(other));
  EXPECT_TRUE(inviter.seen.logged("refused: the token has been used already, and not by " +
                                  crypto::to_text(other.key())));
  EXPECT_TRUE(other.seen.logged("the other side doesn't take this token"));
  other->stop(true);
  run();
  ASSERT_TRUE(joins(joiner)) << joiner.seen.log();
  EXPECT_EQ(trust(inviter), "pump\n");
  EXPECT_EQ(store::load_peers(inviter.home)->at(0).key, joiner.key());
}

TEST_F(InviteTest, AGuessIsRefusedAndReportedAndBurnsNothing) {
  invite();
  Side& guesser = side();
  auto guess = session(Mode::initiator);
  guess.psk = psk(1);
  run(guesser, std::move(guess));
  run_for(5min);
  EXPECT_NE(guesser.state(), State::up);
  const auto reported = inviter.seen.count("refused: whoever it was doesn't hold the token");
  EXPECT_GE(reported, 1U);
  EXPECT_LE(reported, 30U) << "one in ten seconds";
  EXPECT_EQ(trust(inviter), "");
  ASSERT_TRUE(joins(joiner)) << joiner.seen.log();
  EXPECT_TRUE(trust(inviter).starts_with("peer-")) << trust(inviter);
}

TEST_F(InviteTest, TheJoinerSpeaksToNobodyButWhoMadeTheToken) {
  Side& other = side();
  run(other, session(Mode::responder, {"x", {}}));
  EXPECT_FALSE(joins(joiner));
  EXPECT_TRUE(joiner.seen.logged("refused an answer: it is not from who made the token"));
  EXPECT_EQ(trust(other), "");
}

TEST_F(InviteTest, ATokenThatWasChangedOpensNothing) {
  invite();
  ++invite_.lifetime;
  EXPECT_FALSE(joins(joiner));
  EXPECT_TRUE(inviter.seen.logged("refused: whoever it was doesn't hold the token"));
}

TEST_F(InviteTest, NobodyIsAnsweredAfterItsEnd) {
  // As after a suspension: the time is over, and nothing has ended the session yet.
  for (const auto late : {599s, 600s}) {
    SCOPED_TRACE(late.count());
    invite({"pump", {}});
    now += late;
    const bool in_time = late < 600s;
    run(joiner, session(Mode::initiator));
    EXPECT_EQ(joiner.state(), in_time ? State::up : State::waiting) << joiner.seen.log();
    EXPECT_EQ(trust(inviter).empty(), !in_time) << trust(inviter);
    for (auto* who : {&joiner, &inviter}) who->client->stop(true);
    run();
    if (in_time) {
      ASSERT_TRUE(store::remove_peer(inviter.home, "pump"));
    }
  }
}

TEST_F(InviteTest, APeerThatIsKnownKeepsItsNameAndPskAndGetsTheRights) {
  ASSERT_TRUE(store::add_peer(inviter.home, {"old", joiner.key(), psk(3), {{"x"}, {}}}));
  invite({"new", {{"y"}, {}}});
  ASSERT_TRUE(joins(joiner));
  EXPECT_EQ(trust(inviter), "old psk reads=x reads=y\n");
  EXPECT_EQ(inviter->status().peers.at(0).name, "old");
}

TEST_F(InviteTest, NothingOfTheProfileButTheWayToTheBroker) {
  Config config;
  config.broker.host = "h";
  config.mode = Mode::nosec;
  config.aes = Aes::cbc;
  config.name = "profile";
  config.qos = mqtt::Qos::at_most_once;
  config.timeout = 1s;
  make_invite_session(config, invite_, Mode::responder, {});
  EXPECT_EQ(config.broker.host, "h");
  EXPECT_EQ(config.mode, Mode::responder);
  EXPECT_EQ(config.aes, Aes::null);
  EXPECT_EQ(config.name, "");
  EXPECT_EQ(qos_of(config), mqtt::Qos::at_least_once);
  EXPECT_FALSE(config.timeout);
}

TEST_F(InviteTest, AnEnrolmentIsCheckedBeforeTheTokenIsUsed) {
  ASSERT_TRUE(store::add_peer(inviter.home, {"old", joiner.key(), {}}));
  EXPECT_TRUE(check_enrolment(inviter.home, {}, {}));
  EXPECT_TRUE(check_enrolment(inviter.home, {"new", {}}, {}));
  EXPECT_TRUE(check_enrolment(inviter.home, {"old", {}}, joiner.key()));
  EXPECT_FALSE(check_enrolment(inviter.home, {"old", {}}, {}));
  EXPECT_FALSE(check_enrolment(inviter.home, {"old", {}}, inviter.key()));
  EXPECT_FALSE(check_enrolment(inviter.home, {"a b", {}}, {}));
  EXPECT_FALSE(check_enrolment(inviter.home, {"", {{"a#"}}}, {}));
}

}  // namespace
}  // namespace sts::client
