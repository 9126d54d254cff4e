// STS 1 through the client; the protocol itself is tested in legacy/.
#include "client/test_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class LegacyTest : public World {
 protected:
  static Config legacy(Mode mode, Aes aes = Aes::ecb, Curve curve = Curve::secp256k1) {
    Config out = config(mode);
    out.peers.clear();
    out.aes = aes;
    out.curve = curve;
    return out;
  }
  void start_both(Aes aes = Aes::ecb, Curve curve = Curve::secp256k1) {
    run(slave, legacy(Mode::responder, aes, curve));
    run(master, legacy(Mode::initiator, aes, curve));
    run_for(5s);
    ASSERT_EQ(master.state(), State::up) << master.seen.log();
    ASSERT_EQ(slave.state(), State::up);
  }
  void talk() {
    slave.seen.messages.clear();
    master.seen.messages.clear();
    EXPECT_TRUE(master->send_encrypted("to slave"));
    run();
    EXPECT_TRUE(slave->send_encrypted("to master"));
    run();
    EXPECT_EQ(slave.seen.messages, Strings{"to slave"});
    EXPECT_EQ(master.seen.messages, Strings{"to master"});
  }
  Side& slave = side();
  Side& master = side();
};

TEST_F(LegacyTest, BothModesBothCurvesKillFromEitherSide) {
  for (const auto aes : {Aes::ecb, Aes::cbc}) {
    for (const auto curve : {Curve::secp256k1, Curve::x25519}) {
      for (auto* who : {&master, &slave}) {
        start_both(aes, curve);
        talk();
        (*who)->stop(false);
        run();
        EXPECT_EQ(master.state(), State::stopped);
        EXPECT_EQ(slave.state(), State::stopped);
      }
    }
  }
  EXPECT_EQ(slave.seen.count("Received KILL from master"), 4U);
  EXPECT_EQ(master.seen.count("Received KILL from slave"), 4U);
  for (const auto& message : broker.published) EXPECT_EQ(message.qos, mqtt::Qos::at_most_once);
}

TEST_F(LegacyTest, HasNoWill) {
  auto config = legacy(Mode::initiator);
  config.broker.will = mqtt::Message{"will", {}};
  const auto refused = master->start(std::move(config), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "STS 1 can't seal a will: the broker would send it in the clear");
}

TEST_F(LegacyTest, WarnsAtEveryStartAndSaysTheTruthInStatus) {
  for (std::size_t i = 1; i < 3; ++i) {
    start_both();
    EXPECT_EQ(master.seen.count("STS 1 is insecure"), i);
    EXPECT_EQ(master->status().protocol, "STS 1 (insecure)");
    EXPECT_EQ(master->status().cipher, "AES-256-ECB, secp256k1, not authenticated");
    EXPECT_EQ(master->status().mqtt_version, "3.1.1");
    EXPECT_TRUE(slave.seen.logged("waiting for the peer"));
    master->stop(false);
    run();
  }
}

TEST_F(LegacyTest, RefusesWhatItCannotCarry) {
  run(master, legacy(Mode::initiator));
  EXPECT_EQ(master->send_encrypted("early").error().code, Errc::refused);
  run(slave, legacy(Mode::responder));
  run_for(10s);
  const auto sent = master->send_encrypted(std::string(1025, 'x'));
  EXPECT_EQ(sent.error().code, Errc::refused) << "Errc::limit would promise on_room()";
  EXPECT_NE(sent.error().message.find("102"), std::string::npos);
  EXPECT_EQ(master->send("in clear").error().code, Errc::refused);
  talk();
}

TEST_F(LegacyTest, SurvivesTheBrokerAndRefusesMeanwhile) {
  start_both();
  broker.cut_all();
  run();
  const auto sent = master->send_encrypted("x");
  EXPECT_EQ(sent.error().code, Errc::refused);
  EXPECT_NE(sent.error().message.find("broker is gone"), std::string::npos);
  run_for(5s);
  talk();
}

TEST_F(LegacyTest, StopOfflineOrInTheSetUpIsAtOnce) {
  start_both();
  broker.cut_all();
  run();
  master->stop(false);
  run();
  EXPECT_EQ(master.state(), State::stopped);
  EXPECT_EQ(master->next_deadline(), never);
  run(master, legacy(Mode::initiator));
  master->stop(false);
  run();
  EXPECT_EQ(master.state(), State::stopped);
}

TEST_F(LegacyTest, AStopBeforeItIsUpTellsAPeerThatIs) {
  run(slave, legacy(Mode::responder));
  run(master, legacy(Mode::initiator));
  run_for(500ms);
  ASSERT_EQ(slave.state(), State::up);
  ASSERT_EQ(master.state(), State::waiting);
  master->stop(false);
  run();
  EXPECT_EQ(slave.state(), State::stopped) << slave.seen.log();
}

TEST_F(LegacyTest, GarbageDoesNotFillTheLog) {
  start_both();
  const auto before = slave.seen.lines.size();
  for (int i = 0; i < 10'000; ++i) {
    broker.inject({"up", Bytes(static_cast<std::size_t>(1 + i % 40), 'x')});
    if (i % 100 == 0) run_for(100ms);
  }
  EXPECT_LT(slave.seen.lines.size() - before, 50U);
  run_for(10s);
  broker.inject({"up", Bytes(3, 'x')});
  run();
  EXPECT_TRUE(slave.seen.logged("more lines were left out"));
}

TEST_F(LegacyTest, AMasterWithAnotherCurveIsToldTheConfigLine) {
  // A slave follows its master, so only a foreign one can do this.
  run(master, legacy(Mode::initiator));
  for (const auto* text : {"INITACK:", "KEYACK:", "KEYREQ:X0123Y"}) {
    broker.inject({"down", to_bytes(as_bytes(text))});
    run();
  }
  EXPECT_EQ(master.state(), State::stopped);
  ASSERT_TRUE(master.seen.failed);
  EXPECT_EQ(master.seen.failed->hint, "set `curve = x25519`");
}

}  // namespace
}  // namespace sts::client
