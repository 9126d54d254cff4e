// The will of a session: what the broker gets of it, and what the peer is shown.
#include "protocol/will.h"

#include <algorithm>

#include "client/pair_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class WillTest : public PairWorld {
 protected:
  static Config with_will(Config config, std::string_view text = "fell") {
    config.broker.will = mqtt::Message{"", to_bytes(as_bytes(text))};
    return config;
  }
  Config master_config() { return pinned(Mode::initiator, slave.key()); }
  Config slave_config() { return pinned(Mode::responder, master.key()); }
  void start(Config of_master, Config of_slave) {
    run(slave, std::move(of_slave));
    run(master, std::move(of_master));
    ASSERT_EQ(master.state(), State::up) << master.seen.log() << slave.seen.log();
  }
  /// What the broker has of this side.
  static mqtt::Message will(const Side& who) { return who.transport->options().will.value(); }
  void publish(const mqtt::Message& message) {
    broker.inject(message);
    run();
  }
  /// The error with its hint that a start ends with.
  static std::string refusal(Side& who, Config config) {
    const auto started = who->start(std::move(config), {});
    if (started) return "it starts";
    EXPECT_FALSE(started.error().hint.empty());
    EXPECT_EQ(who.state(), State::stopped);
    return started.error().message;
  }
};

TEST_F(WillTest, OfEitherSideIsShownByTheOther) {
  auto of_master = with_will(master_config(), "the master fell");
  of_master.broker.will->qos = mqtt::Qos::at_least_once;
  start(std::move(of_master), with_will(slave_config(), "the slave fell"));
  EXPECT_EQ(will(master).topic, "up");
  EXPECT_EQ(will(master).qos, mqtt::Qos::at_least_once);
  EXPECT_FALSE(will(master).retain);
  EXPECT_EQ(will(slave).topic, "down");
  EXPECT_EQ(as_text(will(master).payload).find("fell"), std::string_view::npos);
  publish(will(master));
  publish(will(slave));
  EXPECT_TRUE(slave.seen.logged("the broker says that " + crypto::to_text(master.key()) +
                                " is gone; its will: the master fell"))
      << slave.seen.log();
  EXPECT_TRUE(master.seen.logged("is gone; its will: the slave fell"));
  EXPECT_TRUE(slave.seen.messages.empty()) << "it is no message of the session";
  EXPECT_EQ(master.state(), State::up) << "the broker's word ends nothing";
  talk();
}

TEST_F(WillTest, EachConnectionHasItsOwn) {
  start(with_will(master_config()), slave_config());
  const auto first = will(master);
  broker.cut(*master.transport);
  run_for(1min);
  ASSERT_TRUE(master.transport->connected());
  const auto second = will(master);
  EXPECT_NE(first.payload, second.payload);
  publish(first);
  EXPECT_FALSE(slave.seen.logged("its will")) << slave.seen.log();
  EXPECT_TRUE(slave.seen.logged("is of an earlier connection"));
  publish(second);
  publish(second);
  EXPECT_EQ(slave.seen.count("is gone; its will: fell"), 1U) << slave.seen.log();
}

TEST_F(WillTest, WithoutASessionItIsOfAnUnknownConnection) {
  run(master, with_will(master_config()));
  const auto old = will(master);
  run(slave, slave_config());
  run_for(1min);
  ASSERT_EQ(slave.state(), State::up);
  slave->stop(true);
  run();
  run(slave, slave_config());
  publish(old);
  EXPECT_TRUE(slave.seen.logged("an unknown connection of")) << slave.seen.log();
  EXPECT_FALSE(slave.seen.logged("is gone; its will"));
}

TEST_F(WillTest, ChangedOrMovedItIsReported) {
  start(with_will(master_config()), slave_config());
  auto changed = will(master);
  changed.payload.back() ^= 1U;
  publish(changed);
  EXPECT_EQ(slave.seen.count("no trusted key opens it"), 1U) << slave.seen.log();
  slave->stop(true);
  run();
  auto elsewhere = slave_config();
  elsewhere.subtop = elsewhere.bind_subtop = "elsewhere";
  run(slave, std::move(elsewhere));
  auto moved = will(master);
  moved.topic = "elsewhere";
  publish(moved);
  EXPECT_EQ(slave.seen.count("no trusted key opens it"), 2U) << slave.seen.log();
  EXPECT_FALSE(slave.seen.logged("its will"));
}

TEST_F(WillTest, ItsTextIsShownSafely) {
  start(with_will(master_config(), "a\033[2J\nb"), slave_config());
  publish(will(master));
  EXPECT_TRUE(slave.seen.logged("its will: a\\x1b[2J\\nb")) << slave.seen.log();
}

TEST_F(WillTest, TheOwnTopicMayBeNamed) {
  auto config = with_will(master_config());
  config.broker.will->topic = "up";
  start(std::move(config), slave_config());
  publish(will(master));
  EXPECT_TRUE(slave.seen.logged("its will: fell"));
}

TEST_F(WillTest, AfterFirstUseItIsSealedForThePinnedPeer) {
  EXPECT_EQ(refusal(master, with_will(config(Mode::initiator))),
            "a will is sealed for a known peer, and first use has not met it yet");
  EXPECT_FALSE(master.transport->options().will);
  start_both();
  master->stop(false);
  run_for(1min);
  start(with_will(config(Mode::initiator)), config(Mode::responder));
  publish(will(master));
  EXPECT_TRUE(slave.seen.logged("the broker says that pump is gone; its will: fell"))
      << slave.seen.log();
}

TEST_F(WillTest, WhereItCannotBeSealedOrReachNothingStarts) {
  auto many = with_will(slave_config());
  many.peers.emplace_back(side().key());
  EXPECT_EQ(refusal(slave, std::move(many)),
            "a will is sealed for one peer, and this side trusts 2");
  auto elsewhere = with_will(master_config());
  elsewhere.broker.will->topic = "status";
  EXPECT_EQ(refusal(master, std::move(elsewhere)),
            "nobody would open a will on status: the peer listens on up");
  auto retained = with_will(master_config());
  retained.broker.will->retain = true;
  EXPECT_EQ(refusal(master, std::move(retained)),
            "a sealed will is not retained: the peer would find it at each start");
  EXPECT_EQ(
      refusal(master, with_will(master_config(), std::string(protocol::will_message_max + 1, 'x'))),
      "the will is longer than 65466 bytes");
  EXPECT_EQ(refusal(master, with_will(pinned(Mode::initiator, {}))),
            "this key is a point of small order, which is nobody's key");
  EXPECT_EQ(broker.connects, 0U);
}

TEST_F(WillTest, InTheClearItIsAsItWasWritten) {
  Config config;
  config.broker.will = mqtt::Message{"status", to_bytes(as_bytes("fell"))};
  run(master, std::move(config));
  EXPECT_EQ(will(master).topic, "status");
  EXPECT_EQ(as_text(will(master).payload), "fell");
}

}  // namespace
}  // namespace sts::client
