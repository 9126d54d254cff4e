// A session that stands: its messages, its end, and its beginning anew.
#include "legacy/pair.h"

namespace sts::legacy {
namespace {

using namespace std::chrono_literals;

class Matrix : public testing::TestWithParam<std::tuple<Aes, Curve>> {};

TEST_P(Matrix, MasterAndSlaveTalkAndEitherKills) {
  for (const bool master_kills : {true, false}) {
    const auto [aes, curve] = GetParam();
    Pair pair(aes, curve);
    pair.set_up();
    EXPECT_EQ(pair.slave.session.curve(), curve);
    for (int turn = 0; turn < 3; ++turn) pair.expect_both_ways();
    auto& killer = master_kills ? pair.master : pair.slave;
    auto& killed = master_kills ? pair.slave : pair.master;
    killer.take(killer.session.kill());
    const auto effects = pair.pass(killer, killed);
    EXPECT_EQ(all<Killed>(effects).size(), 1U);
    EXPECT_EQ(all<StateChanged>(effects).at(0).state, State::ended);
    EXPECT_FALSE(all<StateChanged>(effects).at(0).failed);
    EXPECT_EQ(killer.session.state(), State::ended);
    EXPECT_EQ(killer.session.next_deadline(), never);
    EXPECT_FALSE(killed.session.send("too late"));
    EXPECT_EQ(notes(pair.master.log) + notes(pair.slave.log), "");
  }
}

INSTANTIATE_TEST_SUITE_P(All, Matrix,
                         testing::Combine(testing::Values(Aes::ecb, Aes::cbc),
                                          testing::Values(Curve::secp256k1, Curve::x25519)));

TEST(Session, LimitsOfAText) {
  Pair pair;
  EXPECT_EQ(pair.master.session.send("x").error().code, Errc::refused);
  pair.set_up();
  const std::string longest(max_text, 'x');
  pair.say(pair.master, longest);
  EXPECT_EQ(pair.master.outgoing.front().size(), max_payload);
  EXPECT_EQ(delivered(pair.pass(pair.master, pair.slave)), std::vector{longest});

  const auto over = pair.master.session.send(longest + "x");
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, Errc::limit);
  EXPECT_EQ(over.error().message, "the message has 1021 bytes; STS 1 carries 1020 at most");
  const auto nul = pair.master.session.send(std::string_view("a\0b", 3));
  ASSERT_FALSE(nul);
  EXPECT_EQ(nul.error().code, Errc::bad_input);

  const auto effects = receive(pair.slave, std::string(max_payload + 16, 'x'));
  EXPECT_EQ(effects.size(), 1U);
  EXPECT_NE(notes(effects).find("refused a payload of 1040 bytes"), std::string::npos);
  // Neither refusal touched the register.
  pair.expect_both_ways();
}

TEST(Session, TextsArriveAsTheyAre) {
  Pair pair;
  pair.set_up();
  for (const std::string text : {"", " ", "ENC:", "KILL:", "\xc3\xa4\xff\n", "exactly 12 b"}) {
    pair.say(pair.slave, text);
    EXPECT_EQ(delivered(pair.pass(pair.slave, pair.master)), std::vector{text});
  }
}

TEST(Session, CbcNoticesMessagesThatCross) {
  Pair pair(Aes::cbc);
  pair.set_up();
  pair.say(pair.master, "one");
  pair.say(pair.slave, "two");
  for (const auto& effects :
       {pair.pass(pair.master, pair.slave), pair.pass(pair.slave, pair.master)}) {
    ASSERT_EQ(effects.size(), 1U);
    EXPECT_NE(notes(effects).find("CBC is out of step"), std::string::npos);
  }
  pair.say(pair.master, "still out of step");
  EXPECT_TRUE(delivered(pair.pass(pair.master, pair.slave)).empty());
  pair.expect_both_ways();
}

TEST(Session, EcbDoesNotMindMessagesThatCross) {
  Pair pair(Aes::ecb);
  pair.set_up();
  pair.say(pair.master, "one");
  pair.say(pair.slave, "two");
  EXPECT_EQ(delivered(pair.pass(pair.master, pair.slave)).size(), 1U);
  EXPECT_EQ(delivered(pair.pass(pair.slave, pair.master)).size(), 1U);
  const auto effects = receive(pair.master, std::string(16, 'x'));
  EXPECT_NE(notes(effects).find("not encrypted with this session's key"), std::string::npos);
}

TEST(Session, RestartedMasterGetsANewSessionWithoutHarmToTheOldOneUntilThen) {
  Pair pair;
  pair.set_up();
  const auto effects = receive(pair.slave, "INITREQ:request");
  EXPECT_EQ(published(effects), std::vector<std::string>{"INITACK:"});
  EXPECT_NE(notes(effects).find("the master starts again"), std::string::npos);
  EXPECT_EQ(published(receive(pair.slave, "KEYREQ:X09Y")).size(), 2U);
  pair.slave.outgoing.clear();
  EXPECT_TRUE(pair.slave.session.up());
  pair.expect_both_ways();

  pair.master.take(pair.master.session.start(pair.now));
  EXPECT_EQ(pair.master.session.state(), State::setting_up);
  pair.settle_network();
  EXPECT_EQ(pair.slave.session.state(), State::setting_up);
  pair.to_deadline(pair.slave);
  pair.to_deadline(pair.master);
  pair.expect_both_ways();
}

TEST(Session, RestartedSlaveSaysWhatToDo) {
  Pair pair;
  pair.set_up();
  pair.slave.take(pair.slave.session.start(pair.now));
  pair.say(pair.master, "unreadable");
  const auto effects = pair.pass(pair.master, pair.slave);
  ASSERT_EQ(effects.size(), 1U);
  EXPECT_NE(notes(effects).find("there is no session yet"), std::string::npos);
}

TEST(Session, KillBeforeTheSessionSaysNothingToThePeer) {
  Side master({.role = Role::master, .aes = Aes::ecb});
  EXPECT_TRUE(master.session.kill().empty());
  master.take(master.session.start({}));
  const auto effects = master.take(master.session.kill());
  EXPECT_TRUE(published(effects).empty());
  EXPECT_EQ(master.session.state(), State::ended);
  EXPECT_TRUE(receive(master, "INITACK:").empty());
  EXPECT_EQ(master.session.next_deadline(), never);
}

TEST(Session, StartsAgainAfterKill) {
  Pair pair;
  pair.set_up();
  pair.master.take(pair.master.session.kill());
  pair.pass(pair.master, pair.slave);
  ASSERT_NO_FATAL_FAILURE(pair.set_up());
  pair.expect_both_ways();
}

}  // namespace
}  // namespace sts::legacy
