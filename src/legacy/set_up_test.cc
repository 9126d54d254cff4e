// How a session comes about, whatever happens to the messages on the way.
#include "legacy/pair.h"

namespace sts::legacy {
namespace {

using namespace std::chrono_literals;

TEST(SetUp, SetUpIsTheSixMessages) {
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

TEST(SetUp, MasterWaitsUntilAReferenceSlaveListens) {
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

TEST(SetUp, SlaveThatStartsLaterStillGetsInitReq) {
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

TEST(SetUp, LostSetUpMessagesAreMadeUpFor) {
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

TEST(SetUp, DuplicatedSetUpMessagesAreHarmless) {
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

TEST(SetUp, UnansweredKeyReqIsRepeatedWithANewKeyBehindInitReq) {
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

TEST(SetUp, GarbageDuringSetUpIsNotedAndHarmless) {
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

TEST(SetUp, OffCurvePointIsRefusedAndAGoodOneStillTaken) {
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

TEST(SetUp, MasterNamesTheConfigLineForTheOtherCurve) {
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

TEST(SetUp, SlavePicksASecretWithoutZeroByte) {
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

TEST(SetUp, TwoOfTheSameRoleAreToldOnce) {
  Side master({.role = Role::master, .aes = Aes::ecb}),
      slave({.role = Role::slave, .aes = Aes::ecb});
  master.take(master.session.start({}));
  slave.take(slave.session.start({}));
  EXPECT_NE(notes(receive(master, "INITREQ:request")).find("the peer is a master too"),
            std::string::npos);
  EXPECT_TRUE(receive(master, "INITREQ:request").empty());
  EXPECT_NE(notes(receive(slave, "INITACK:")).find("the peer is a slave too"), std::string::npos);
  EXPECT_TRUE(receive(slave, "INITACK:").empty());
  for (auto* side : {&master, &slave}) {
    EXPECT_NE(all<Note>(side->log).at(0).hint.find("sts_mode = master on one side"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace sts::legacy
