// Whom an STS 2 client speaks to: pins, lists, wrong keys, many peers.
#include <sys/resource.h>

#include <csignal>

#include "client/test_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

/// While alive no file of this process can grow, as on a full disk; root is no exception.
class FullDisk {
 public:
  FullDisk() {
    getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    rlimit none{0, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &none);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = SIG_DFL;
};

class SecureTest : public World {
 protected:
  /// No session within a minute, and nothing pinned.
  void expect_refused(Side& a, Side& b) {
    run_for(1min);
    for (auto* who : {&a, &b}) {
      EXPECT_NE(who->state(), State::up) << who->seen.log();
      EXPECT_FALSE(who->seen.logged("session is up"));
      EXPECT_TRUE(who->client->status().peers.empty());
      EXPECT_TRUE(store::load_peers(who->home)->empty());
    }
  }
  static void know(Side& who, const std::string& name, const crypto::PublicKey& key) {
    ASSERT_TRUE(store::add_peer(who.home, {name, key, {}}));
  }
};

TEST_F(SecureTest, MakesAnIdentityOnceAndSaysSo) {
  Side& me = side();
  run(me, config(Mode::initiator));
  EXPECT_EQ(me.seen.count("made a new identity"), 1U);
  EXPECT_TRUE(me.seen.logged(crypto::to_text(me.key())));
  me->stop(false);
  run();
  run(me, config(Mode::initiator));
  EXPECT_EQ(me.seen.count("made a new identity"), 1U);
}

TEST_F(SecureTest, WithoutRoomForAnIdentityNothingStarts) {
  Side& me = side();
  {
    FullDisk full;
    EXPECT_FALSE(me->start(config(Mode::initiator), {}));
  }
  EXPECT_EQ(me.state(), State::stopped);
  EXPECT_FALSE(std::filesystem::exists(me.home.identity_file()));
  EXPECT_TRUE(me->start(config(Mode::initiator), {}));
}

TEST_F(SecureTest, APinThatCannotBeStoredEndsTheSessionOnBothSides) {
  for (const bool master_fails : {true, false}) {
    Side& slave = side();
    Side& master = side();
    Side& victim = master_fails ? master : slave;
    Side& other = master_fails ? slave : master;
    start(slave, config(Mode::responder));
    start(master, config(Mode::initiator));
    std::filesystem::create_directories(victim.home.peers_file());
    run_for(20s);
    EXPECT_EQ(victim.state(), State::stopped);
    ASSERT_TRUE(victim.seen.failed);
    EXPECT_EQ(victim.seen.failed->message.find("pinned"), std::string::npos);
    EXPECT_FALSE(victim.seen.logged("session is up")) << victim.seen.log();
    EXPECT_FALSE(victim.seen.logged("pinned"));
    EXPECT_EQ(other.state(), State::stopped) << "it was told with KILL: " << other.seen.log();
  }
}

TEST_F(SecureTest, AFullDiskAtTheMomentOfThePin) {
  Side& slave = side();
  Side& master = side();
  (void)master.key();
  run(slave, config(Mode::responder));
  start(master, config(Mode::initiator));
  {
    FullDisk full;
    run_for(5s);
  }
  EXPECT_EQ(slave.state(), State::stopped);
  EXPECT_EQ(master.state(), State::stopped);
  EXPECT_TRUE(slave.seen.failed || master.seen.failed);
  for (auto* who : {&slave, &master}) {
    EXPECT_TRUE(store::load_peers(who->home)->empty());
    EXPECT_FALSE(who->seen.logged("session is up"));
  }
}

TEST_F(SecureTest, AKnownPeerAtFirstUseIsNamedInTheHint) {
  Side& slave = side();
  Side& master = side();
  know(slave, "boss", master.key());
  run(slave, config(Mode::responder));
  run(master, config(Mode::initiator));
  run_for(1s);
  EXPECT_EQ(slave.state(), State::stopped);
  ASSERT_TRUE(slave.seen.failed);
  EXPECT_EQ(slave.seen.failed->hint, "set peer = boss");
}

TEST_F(SecureTest, PinnedKeysAndPsk) {
  Side& slave = side();
  Side& master = side();
  auto one = pinned(Mode::responder, master.key());
  auto two = pinned(Mode::initiator, slave.key());
  one.psk = psk(5);
  two.psk = psk(5);
  run(slave, std::move(one));
  run(master, std::move(two));
  EXPECT_EQ(master.state(), State::up);
  EXPECT_FALSE(master.seen.logged("pinned"));
  const std::string shown = wire() + master.seen.log() + slave.seen.log();
  EXPECT_EQ(shown.find(std::string(32, '\x05')), std::string::npos);
}

TEST_F(SecureTest, AnotherKeyAtTheMaster) {
  Side& slave = side();
  Side& master = side();
  run(slave, config(Mode::responder));
  run(master, pinned(Mode::initiator, side().key()));
  expect_refused(master, slave);
  EXPECT_TRUE(master.seen.logged(crypto::to_text(slave.key()) + " is not the pinned peer"));
}

TEST_F(SecureTest, AnotherKeyAtTheSlave) {
  Side& slave = side();
  Side& master = side();
  run(slave, pinned(Mode::responder, side().key()));
  run(master, config(Mode::initiator));
  expect_refused(master, slave);
  EXPECT_TRUE(slave.seen.logged(crypto::to_text(master.key()) + " is not the pinned peer"));
  EXPECT_TRUE(master.seen.logged("does not confirm"));
}

TEST_F(SecureTest, AnotherPskPinsNobody) {
  Side& slave = side();
  Side& master = side();
  auto one = config(Mode::responder);
  auto two = config(Mode::initiator);
  one.psk = psk(5);
  two.psk = psk(6);
  run(slave, std::move(one));
  run(master, std::move(two));
  expect_refused(master, slave);
  EXPECT_TRUE(slave.seen.logged("another psk"));
  EXPECT_TRUE(master.seen.logged("does not confirm"));
}

TEST_F(SecureTest, BothMastersAndBothSlavesAreTold) {
  for (const auto mode : {Mode::initiator, Mode::responder}) {
    Side& a = side();
    Side& b = side();
    run(a, config(mode));
    auto crossed = config(mode);
    std::swap(crossed.subtop, crossed.pubtop);
    std::swap(crossed.bind_subtop, crossed.bind_pubtop);
    run(b, std::move(crossed));
    expect_refused(a, b);
    EXPECT_TRUE(a.seen.logged("on one side")) << a.seen.log();
    for (auto* who : {&a, &b}) (*who)->stop(true);
    run();
  }
}

TEST_F(SecureTest, AChangedKeyIsRefused) {
  Side& slave = side();
  Side& master = side();
  run(slave, config(Mode::responder));
  run(master, config(Mode::initiator));
  ASSERT_EQ(master.state(), State::up);
  slave->stop(false);
  run_for(1s);
  const auto before = store::load_peers(master.home)->at(0).key;
  Side& other = side();
  run(other, config(Mode::responder));
  run(master, config(Mode::initiator));
  run_for(1min);
  EXPECT_NE(master.state(), State::up);
  EXPECT_TRUE(master.seen.logged("is not the pinned peer"));
  EXPECT_EQ(store::load_peers(master.home)->at(0).key, before);
}

class ManyPeersTest : public SecureTest {
 protected:
  void start_all() {
    for (const auto& [name, master] : {std::pair("a", &a), std::pair("b", &b)}) {
      know(slave, name, master->key());
    }
    auto many = config(Mode::responder);
    many.peers = {AllTrusted{}};
    run(slave, std::move(many));
    for (auto* master : {&a, &b}) run(*master, pinned(Mode::initiator, slave.key()));
    ASSERT_EQ(a.state(), State::up);
    ASSERT_EQ(b.state(), State::up);
    ASSERT_EQ(slave->status().peers.size(), 2U);
  }
  Side& slave = side();
  Side& a = side();
  Side& b = side();
};

TEST_F(ManyPeersTest, EachIsNamedAndAllAreSpokenTo) {
  start_all();
  EXPECT_TRUE(a->send_encrypted("from a"));
  EXPECT_TRUE(b->send_encrypted("from b"));
  EXPECT_TRUE(slave->send_encrypted("to all"));
  run_for(1s);
  EXPECT_EQ(slave.seen.messages, (Strings{"a: from a", "b: from b"}));
  EXPECT_EQ(a.seen.messages, Strings{"to all"});
  EXPECT_EQ(b.seen.messages, Strings{"to all"});
}

TEST_F(ManyPeersTest, AKillFromOneLeavesTheOther) {
  start_all();
  a->stop(false);
  run_for(1s);
  EXPECT_EQ(a.state(), State::stopped);
  EXPECT_EQ(slave.state(), State::up);
  EXPECT_TRUE(slave.seen.logged("Received KILL from master a"));
  ASSERT_EQ(slave->status().peers.size(), 1U);
  EXPECT_EQ(slave->status().peers[0].name, "b");
  EXPECT_TRUE(slave->send_encrypted("still here"));
  run_for(1s);
  EXPECT_EQ(b.seen.messages, Strings{"still here"});
  b->stop(false);
  run_for(1s);
  EXPECT_EQ(slave.state(), State::waiting) << "it serves whoever comes next";
  EXPECT_EQ(slave->send_encrypted("to nobody").error().code, Errc::refused);
  run(a, pinned(Mode::initiator, slave.key()));
  run_for(1s);
  EXPECT_EQ(slave.state(), State::up);
}

TEST_F(ManyPeersTest, StopEndsAllOfThem) {
  start_all();
  EXPECT_TRUE(slave->send_encrypted("bye"));
  slave->stop(false);
  run_for(1s);
  for (auto* who : {&slave, &a, &b}) {
    EXPECT_EQ(who->state(), State::stopped);
    EXPECT_FALSE(who->seen.failed);
  }
  EXPECT_EQ(a.seen.messages, Strings{"bye"});
}

TEST_F(ManyPeersTest, OneSilentPeerDelaysAStopButNotForEver) {
  start_all();
  EXPECT_TRUE(slave->send_encrypted("bye"));
  b.client.reset();
  slave->stop(false);
  run_for(5s);
  EXPECT_EQ(a.state(), State::stopped);
  EXPECT_EQ(slave.state(), State::stopping);
  run_for(6s);
  EXPECT_EQ(slave.state(), State::stopped);
  ASSERT_TRUE(slave.seen.failed);
  EXPECT_NE(slave.seen.failed->message.find("1 message was"), std::string::npos);
}

TEST_F(ManyPeersTest, OneSilentPeerDoesNotHoldTheOthersUp) {
  start_all();
  b.client.reset();
  // More than a buffer takes, a little at a time: b is silent and its buffer is full.
  const std::string large(std::size_t{1} << 20U, 'x');
  for (int n = 0; n < 6; ++n) {
    EXPECT_TRUE(slave->send_encrypted(large)) << n;
    run_for(20s);
  }
  EXPECT_EQ(a.seen.messages, Strings(6, large));
  EXPECT_TRUE(slave.seen.logged("not sent to b"));
  // Where nobody is silent, a full buffer is room to wait for.
  a.client.reset();
  for (int n = 0; n < 4; ++n) EXPECT_TRUE(slave->send_encrypted(large)) << n;
  EXPECT_EQ(slave->send_encrypted(large).error().code, Errc::limit);
}

TEST_F(ManyPeersTest, OneThatAnswersAndAcknowledgesNothingDoesNotHoldTheOthersUp) {
  start_all();
  // Large frames to one of the two are lost; PINGs get through and are answered.
  std::set<std::uint8_t> receivers;
  broker.on_publish = [&](const mqtt::FakeTransport& from, const mqtt::Message& message) {
    if (&from != slave.transport || message.payload.size() < 1000) return std::vector{message};
    receivers.insert(message.payload[1]);
    const bool lost = receivers.size() > 1 && message.payload[1] == *receivers.begin();
    return lost ? std::vector<mqtt::Message>{} : std::vector{message};
  };
  const std::string large(std::size_t{1} << 20U, 'x');
  for (int n = 0; n < 10; ++n) {
    EXPECT_TRUE(slave->send_encrypted(large)) << n;
    run_for(20s);
  }
  EXPECT_EQ(std::max(a.seen.messages.size(), b.seen.messages.size()), 10U);
  EXPECT_TRUE(slave.seen.logged("it acknowledges none"));
}

TEST_F(ManyPeersTest, RoomIsToldOfThoughOneIsOutOfReach) {
  start_all();
  b.client.reset();
  const std::string large(std::size_t{1} << 20U, 'x');
  for (int n = 0; n < 6; ++n) {
    EXPECT_TRUE(slave->send_encrypted(large)) << n;
    run_for(20s);
  }
  for (int n = 0; n < 4; ++n) EXPECT_TRUE(slave->send_encrypted(large)) << n;
  EXPECT_FALSE(slave->send_encrypted(large));
  const auto before = slave.seen.rooms;
  run_for(1s);
  EXPECT_GT(slave.seen.rooms, before);
}

TEST_F(ManyPeersTest, WhoComesInTheMiddleOfAStopIsEndedToo) {
  start_all();
  a->stop(false);
  run_for(1s);
  // b is not there to acknowledge, so the stop takes its time.
  broker.on_publish = [&](const mqtt::FakeTransport& from, const mqtt::Message& message) {
    return &from == b.transport ? std::vector<mqtt::Message>{} : std::vector{message};
  };
  EXPECT_TRUE(slave->send_encrypted("x"));
  slave->stop(false);
  run_for(1s);
  run(a, pinned(Mode::initiator, slave.key()));
  run_for(4s);
  EXPECT_EQ(slave.state(), State::stopping);
  EXPECT_EQ(a.state(), State::stopped) << "not left behind with a peer that is gone";
}

TEST_F(ManyPeersTest, WhoIsNotListedStaysOut) {
  start_all();
  Side& stranger = side();
  run(stranger, pinned(Mode::initiator, slave.key()));
  run_for(1min);
  EXPECT_NE(stranger.state(), State::up);
  EXPECT_EQ(slave->status().peers.size(), 2U);
  EXPECT_TRUE(slave->send_encrypted("secret"));
  run_for(1s);
  EXPECT_TRUE(stranger.seen.messages.empty());
}

}  // namespace
}  // namespace sts::client
