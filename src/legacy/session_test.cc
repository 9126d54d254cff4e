#include "legacy/session.h"

#include <gtest/gtest.h>

#include "legacy/testing.h"

namespace sts::legacy {
namespace {

using namespace std::chrono_literals;

/// One side, and all that it ever told its owner.
struct Side {
  explicit Side(const Session::Config& config, std::deque<Bytes> keys = {})
      : random(std::move(keys)), session(config, random) {}

  Effects take(Effects effects) {
    for (const auto& it : all<Publish>(effects)) outgoing.push_back(it.payload);
    append(log, effects);
    return effects;
  }
  static void append(Effects& to, const Effects& more) {
    to.insert(to.end(), more.begin(), more.end());
  }

  ScriptedRandom random;
  Session session;
  std::deque<Bytes> outgoing;
  Effects log;
};

/// A master and a slave with the network between them in the test's hand.
struct Pair {
  explicit Pair(Aes aes = Aes::cbc, Curve curve = Curve::secp256k1,
                std::deque<Bytes> master_keys = {}, std::deque<Bytes> slave_keys = {})
      : master({.role = Role::master, .aes = aes, .curve = curve}, std::move(master_keys)),
        slave({.role = Role::slave, .aes = aes}, std::move(slave_keys)) {}

  /// Delivers all until both are silent.
  void settle_network() {
    while (!master.outgoing.empty() || !slave.outgoing.empty()) {
      pass(master, slave);
      pass(slave, master);
    }
  }
  Effects pass(Side& from, Side& to) {
    Effects effects;
    while (!from.outgoing.empty()) {
      const Bytes payload = from.outgoing.front();
      from.outgoing.pop_front();
      Side::append(effects, to.take(to.session.receive(payload, now)));
    }
    return effects;
  }
  void to_deadline(Side& side) {
    now = std::max(now, side.session.next_deadline());
    side.take(side.session.advance(now));
  }
  void set_up() {
    slave.take(slave.session.start(now));
    master.take(master.session.start(now));
    settle_network();
    to_deadline(slave);
    to_deadline(master);
    ASSERT_TRUE(master.session.up());
    ASSERT_TRUE(slave.session.up());
  }
  void say(Side& from, std::string_view text) { from.take(from.session.send(text).value()); }
  void expect_both_ways() {
    say(master, "from the master");
    EXPECT_EQ(delivered(pass(master, slave)), std::vector<std::string>{"from the master"});
    say(slave, "from the slave ");
    EXPECT_EQ(delivered(pass(slave, master)), std::vector<std::string>{"from the slave "});
  }

  Instant now{};
  Side master, slave;
};

Effects receive(Side& side, std::string_view text, Instant now = {}) {
  return side.take(side.session.receive(as_bytes(text), now));
}

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

TEST(Session, SetUpIsTheSixMessages) {
  Pair pair;
  pair.slave.take(pair.slave.session.start(pair.now));
  EXPECT_TRUE(pair.slave.outgoing.empty());
  pair.master.take(pair.master.session.start(pair.now));
  pair.settle_network();
  const auto from_master = published(pair.master.log), from_slave = published(pair.slave.log);
  ASSERT_EQ(from_master.size(), 3U);
  EXPECT_EQ(from_master[0], "INITREQ:request");
  EXPECT_TRUE(from_master[1].starts_with("KEYREQ:X"));
  EXPECT_EQ(from_master[2], "KEYACK:");
  ASSERT_EQ(from_slave.size(), 3U);
  EXPECT_EQ(from_slave[0], "INITACK:");
  EXPECT_EQ(from_slave[1], "KEYACK:");
  EXPECT_TRUE(from_slave[2].starts_with("KEYREQ:X"));
}

TEST(Session, MasterWaitsUntilAReferenceSlaveListens) {
  Pair pair;
  pair.slave.take(pair.slave.session.start(pair.now));
  pair.master.take(pair.master.session.start(pair.now));
  pair.settle_network();
  EXPECT_EQ(pair.master.session.state(), State::setting_up);
  EXPECT_GT(pair.master.session.next_deadline(), pair.now + 1s);
  EXPECT_FALSE(pair.master.session.send("lost on a sleeping slave"));

  // A message from the slave shows that it listens.
  pair.to_deadline(pair.slave);
  pair.say(pair.slave, "here");
  EXPECT_EQ(delivered(pair.pass(pair.slave, pair.master)), std::vector<std::string>{"here"});
  EXPECT_TRUE(pair.master.session.up());
  EXPECT_EQ(pair.master.session.next_deadline(), never);
}

TEST(Session, SlaveThatStartsLaterStillGetsInitReq) {
  Pair pair;
  pair.master.take(pair.master.session.start(pair.now));
  pair.master.outgoing.clear();  // nobody listens
  for (int times = 0; times < 5; ++times) {
    const auto before = pair.now;
    pair.to_deadline(pair.master);
    EXPECT_LE(pair.now - before, 4s);
    EXPECT_EQ(pair.master.outgoing.size(), 1U);
    pair.master.outgoing.clear();
  }
  pair.slave.take(pair.slave.session.start(pair.now));
  pair.to_deadline(pair.master);
  pair.settle_network();
  pair.to_deadline(pair.slave);
  pair.to_deadline(pair.master);
  pair.expect_both_ways();
}

TEST(Session, LostSetUpMessagesAreMadeUpFor) {
  // The n-th message of the set-up, whoever sends it, gets lost; 6 is the master's last KEYACK,
  // which nobody can know to be lost.
  for (int lost = 1; lost <= 5; ++lost) {
    SCOPED_TRACE(lost);
    Pair pair;
    pair.slave.take(pair.slave.session.start(pair.now));
    pair.master.take(pair.master.session.start(pair.now));
    int count = 0;
    for (int round = 0; round < 20 && !(pair.master.session.up() && pair.slave.session.up());
         ++round) {
      for (auto* from : {&pair.master, &pair.slave}) {
        auto& to = from == &pair.master ? pair.slave : pair.master;
        while (!from->outgoing.empty()) {
          const Bytes payload = from->outgoing.front();
          from->outgoing.pop_front();
          if (++count != lost) to.take(to.session.receive(payload, pair.now));
        }
      }
      if (pair.master.outgoing.empty() && pair.slave.outgoing.empty()) {
        pair.to_deadline(pair.slave.session.next_deadline() < pair.master.session.next_deadline()
                             ? pair.slave
                             : pair.master);
      }
    }
    pair.expect_both_ways();
  }
}

TEST(Session, DuplicatedSetUpMessagesAreHarmless) {
  Pair pair;
  pair.slave.take(pair.slave.session.start(pair.now));
  pair.master.take(pair.master.session.start(pair.now));
  while (!pair.master.outgoing.empty() || !pair.slave.outgoing.empty()) {
    for (auto* from : {&pair.master, &pair.slave}) {
      auto& to = from == &pair.master ? pair.slave : pair.master;
      while (!from->outgoing.empty()) {
        const Bytes payload = from->outgoing.front();
        from->outgoing.pop_front();
        to.take(to.session.receive(payload, pair.now));
        to.take(to.session.receive(payload, pair.now));
      }
    }
  }
  pair.to_deadline(pair.slave);
  pair.to_deadline(pair.master);
  pair.expect_both_ways();
}

TEST(Session, UnansweredKeyReqIsRepeatedWithANewKeyBehindInitReq) {
  Side master({.role = Role::master, .aes = Aes::ecb});
  Instant now{};
  master.take(master.session.start(now));
  receive(master, "INITACK:", now);
  const auto first = published(master.log).back();
  now = master.session.next_deadline();
  const auto retry = master.take(master.session.advance(now));
  ASSERT_EQ(published(retry).size(), 2U);
  EXPECT_EQ(published(retry)[0], "INITREQ:request");
  EXPECT_TRUE(published(retry)[1].starts_with("KEYREQ:X"));
  EXPECT_NE(published(retry)[1], first);
  EXPECT_NE(notes(retry).find("trying again with a new key"), std::string::npos);
}

TEST(Session, GarbageDuringSetUpIsNotedAndHarmless) {
  Pair pair;
  pair.slave.take(pair.slave.session.start(pair.now));
  pair.master.take(pair.master.session.start(pair.now));
  const std::string garbage(16, '\xff');
  for (auto* side : {&pair.master, &pair.slave}) {
    for (const std::string_view text : std::initializer_list<std::string_view>{
             "hello", "KEYREQ:XYZ", "", garbage, "KEYACK:", "KEYREQ:X09Y"}) {
      const auto effects = receive(*side, text, pair.now);
      EXPECT_EQ(all<Note>(effects).size(), 1U);
      EXPECT_EQ(effects.size(), 1U);
    }
  }
  pair.settle_network();
  pair.to_deadline(pair.slave);
  pair.to_deadline(pair.master);
  pair.expect_both_ways();
  // Nor does what is no ciphertext touch the register.
  receive(pair.master, "hello", pair.now);
  pair.expect_both_ways();
}

TEST(Session, OffCurvePointIsRefusedAndAGoodOneStillTaken) {
  const std::string off = "KEYREQ:X0102030405Y0607080910";
  Pair pair;
  pair.slave.take(pair.slave.session.start(pair.now));
  pair.master.take(pair.master.session.start(pair.now));
  pair.pass(pair.master, pair.slave);
  auto effects = receive(pair.slave, off);
  EXPECT_TRUE(published(effects).empty());
  EXPECT_NE(notes(effects).find("not a usable point of secp256k1"), std::string::npos);

  pair.pass(pair.slave, pair.master);
  pair.pass(pair.master, pair.slave);
  const Bytes key_ack = pair.slave.outgoing.at(0);
  pair.slave.outgoing.pop_front();
  pair.master.take(pair.master.session.receive(key_ack, pair.now));
  effects = receive(pair.master, off);
  EXPECT_TRUE(published(effects).empty());
  EXPECT_NE(notes(effects).find("not a usable point of secp256k1"), std::string::npos);
  pair.settle_network();
  pair.to_deadline(pair.slave);
  pair.to_deadline(pair.master);
  pair.expect_both_ways();
}

TEST(Session, MasterNamesTheConfigLineForTheOtherCurve) {
  Pair pair(Aes::cbc, Curve::secp256k1), other(Aes::cbc, Curve::x25519);
  other.slave.take(other.slave.session.start(other.now));
  other.master.take(other.master.session.start(other.now));
  other.settle_network();
  const auto x25519_request = published(other.slave.log).at(2);

  pair.master.take(pair.master.session.start(pair.now));
  receive(pair.master, "INITACK:");
  receive(pair.master, "KEYACK:");
  const auto effects = receive(pair.master, x25519_request);
  const auto changes = all<StateChanged>(effects);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].state, State::ended);
  ASSERT_TRUE(changes[0].failed);
  EXPECT_EQ(changes[0].failed->message, "the slave uses curve x25519, this master secp256k1");
  EXPECT_EQ(changes[0].failed->hint, "set `curve = x25519`");
  EXPECT_TRUE(published(effects).empty());
  EXPECT_EQ(pair.master.session.next_deadline(), never);
}

TEST(Session, SlavePicksASecretWithoutZeroByte) {
  // With the master's key 1 the secret is the slave's own X; look for one with a zero byte.
  Bytes one(32, 0), slave_key(32, 0);
  one[31] = 1;
  for (std::uint8_t i = 1;; ++i) {
    slave_key[31] = i;
    ScriptedRandom random({slave_key});
    const auto x = KeyPair::generate(Curve::secp256k1, random).public_key().x;
    if (std::ranges::find(x, 0) != x.end()) break;
  }
  Pair pair(Aes::cbc, Curve::secp256k1, {one}, {slave_key});
  pair.set_up();
  const auto request = decode(as_bytes(published(pair.slave.log).at(2)));
  ScriptedRandom random({one});
  const auto secret = KeyPair::generate(Curve::secp256k1, random)
                          .shared_secret(std::get<KeyReq>(*request).key, random);
  ASSERT_TRUE(secret);
  EXPECT_EQ(std::ranges::count(secret->bytes(), 0), 0);
  pair.expect_both_ways();

  // A master takes such a secret as it is.
  ScriptedRandom zero({slave_key});
  const auto zero_key = KeyPair::generate(Curve::secp256k1, zero).public_key();
  Side master({.role = Role::master, .aes = Aes::ecb}, {one});
  master.take(master.session.start({}));
  receive(master, "INITACK:");
  receive(master, "KEYACK:");
  EXPECT_EQ(published(receive(master, as_text(encode(KeyReq{zero_key})))),
            std::vector<std::string>{"KEYACK:"});
}

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

TEST(Session, TwoOfTheSameRoleAreToldOnce) {
  Side master({.role = Role::master, .aes = Aes::ecb}),
      slave({.role = Role::slave, .aes = Aes::ecb});
  master.take(master.session.start({}));
  slave.take(slave.session.start({}));
  EXPECT_NE(notes(receive(master, "INITREQ:request")).find("the peer is a master too"),
            std::string::npos);
  EXPECT_TRUE(receive(master, "INITREQ:request").empty());
  EXPECT_NE(notes(receive(slave, "INITACK:")).find("the peer is a slave too"), std::string::npos);
  EXPECT_TRUE(receive(slave, "INITACK:").empty());
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
