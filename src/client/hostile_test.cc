// The broker, and everyone on it, as the adversary: what it sees, and what it can do.
#include "client/test_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class HostileTest : public World {
 protected:
  void start_both(std::uint8_t psk_fill = 0) {
    auto one = config(Mode::responder);
    auto two = config(Mode::initiator);
    if (psk_fill != 0) {
      one.psk = psk(psk_fill);
      two.psk = psk(psk_fill);
    }
    run(slave, std::move(one));
    run(master, std::move(two));
    ASSERT_EQ(master.state(), State::up);
  }
  void talk(const std::string& text) {
    slave.seen.messages.clear();
    master.seen.messages.clear();
    EXPECT_TRUE(master->send_encrypted(text));
    EXPECT_TRUE(slave->send_encrypted(text));
    run_for(10s);
    EXPECT_EQ(slave.seen.messages, Strings{text});
    EXPECT_EQ(master.seen.messages, Strings{text});
  }
  void inject(const std::string& topic, Bytes payload) {
    broker.inject({topic, std::move(payload), mqtt::Qos::at_least_once});
  }
  /// Not by turns, which could fall into step with what repeats.
  std::size_t throw_die() {
    std::array<std::uint8_t, 2> bytes{};
    dice_.fill(bytes);
    return std::size_t{bytes[0]} << 8U | bytes[1];
  }

  /// Hands out what was held, the last first, and goes on holding.
  void turn_round() {
    std::ranges::reverse(broker.held);
    broker.hold = false;
    broker.release();
    broker.hold = true;
  }

  Side& slave = side();
  Side& master = side();

 private:
  crypto::SeededRandom dice_{77};
};

std::string text_of(ByteView bytes) { return std::string(as_text(bytes)); }

TEST_F(HostileTest, SeesNoPlaintextAndNoKey) {
  constexpr std::uint8_t psk_fill = 0xa7;
  start_both(psk_fill);
  talk("a secret of some length");
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(slave->send_encrypted("another secret"));
  run_for(3h);  // rekeys, pings
  broker.cut_all();
  run_for(1min);
  talk("a secret of some length");
  master->stop(false);
  run_for(1s);
  ASSERT_EQ(slave.state(), State::stopped);

  const std::string seen = wire();
  EXPECT_GT(broker.published.size(), 100U);
  for (const auto* secret : {"secret of some", "another secret", "KILL", "CONFIRM"}) {
    EXPECT_EQ(seen.find(secret), std::string::npos) << secret;
  }
  EXPECT_EQ(seen.find(std::string(8, static_cast<char>(psk_fill))), std::string::npos);
  for (auto* who : {&slave, &master}) {
    const auto identity = who->identity();
    const auto key = text_of(identity.private_key.bytes());
    EXPECT_EQ(seen.find(key.substr(0, 16)), std::string::npos);
    EXPECT_EQ(seen.find(crypto::to_text(identity.private_key).substr(0, 20)), std::string::npos);
    EXPECT_EQ(seen.find(text_of(identity.public_key.view())), std::string::npos)
        << "identities are hidden too";
    EXPECT_EQ(who->seen.log().find(crypto::to_text(identity.private_key)), std::string::npos);
  }
  for (const auto& message : broker.published) {
    EXPECT_FALSE(message.retain);
    EXPECT_EQ(message.qos, mqtt::Qos::at_least_once);
    EXPECT_TRUE(message.topic == "up" || message.topic == "down");
  }
}

TEST_F(HostileTest, GarbageDoesNotEndASessionNorFillTheLog) {
  start_both();
  const auto before = slave.seen.lines.size() + master.seen.lines.size();
  crypto::SeededRandom random(99);
  for (int i = 0; i < 20'000; ++i) {
    Bytes payload(static_cast<std::size_t>(i % 130));
    random.fill(payload);
    if (!payload.empty()) payload[0] = static_cast<std::uint8_t>(i % 8);
    inject(i % 2 ? "up" : "down", std::move(payload));
    if (i % 500 == 0) run_for(100ms);
  }
  run();
  EXPECT_LT(slave.seen.lines.size() + master.seen.lines.size() - before, 100U);
  talk("after the garbage");
}

TEST_F(HostileTest, EveryFrameAgainOnEitherTopicDeliversNothingTwice) {
  start_both();
  for (int i = 0; i < 5; ++i) talk("text " + std::to_string(i));
  slave.seen.messages.clear();
  master.seen.messages.clear();
  const auto recorded = broker.published;
  for (const auto* topic : {"up", "down"}) {
    for (const auto& message : recorded) inject(topic, message.payload);
    run_for(1s);
  }
  run_for(1min);
  EXPECT_TRUE(slave.seen.messages.empty());
  EXPECT_TRUE(master.seen.messages.empty());
  EXPECT_EQ(master.state(), State::up);
  talk("after");
}

TEST_F(HostileTest, AFlippedBitInEachFrameOfTrafficLosesNothing) {
  start_both();
  broker.on_publish = [&](auto&, mqtt::Message message) {
    const auto die = throw_die();
    if (die % 3 == 0) {
      message.payload[die % message.payload.size()] ^= static_cast<std::uint8_t>(1U << (die % 8));
    }
    return std::vector{message};
  };
  Strings texts;
  for (int i = 0; i < 100; ++i) {
    texts.push_back("text " + std::to_string(i));
    EXPECT_TRUE(master->send_encrypted(texts.back()));
    if (i % 7 == 0) run_for(100ms);
  }
  run_for(1min);
  broker.on_publish = nullptr;
  run_for(2min);
  EXPECT_EQ(slave.seen.messages, texts);
  EXPECT_LT(slave.seen.count("forged"), 100U);
}

TEST_F(HostileTest, LossDuplicationAndReorderingLoseNothing) {
  start_both();
  broker.hold = true;
  broker.on_publish = [&](auto&, const mqtt::Message& message) {
    const auto die = throw_die();
    return std::vector<mqtt::Message>(die % 5 == 0 ? 0 : die % 7 == 0 ? 2 : 1, message);
  };
  Strings texts;
  for (int i = 0; i < 100; ++i) {
    texts.push_back("text " + std::to_string(i));
    EXPECT_TRUE(master->send_encrypted(texts.back()));
    if (i % 10 != 9) continue;
    run_for(100ms);
    turn_round();
  }
  for (int i = 0; i < 600; ++i) {
    run_for(1s);
    turn_round();
  }
  EXPECT_EQ(slave.seen.messages, texts);
}

TEST_F(HostileTest, ItsOwnHandshakesGetNoSession) {
  // A third client with a key of its own, on the same topics, in both roles.
  run(slave, pinned(Mode::responder, master.key()));
  Side& false_master = side();
  run(false_master, pinned(Mode::initiator, slave.key()));
  run_for(1min);
  EXPECT_NE(false_master.state(), State::up);
  EXPECT_TRUE(slave->status().peers.empty());
  false_master->stop(true);
  run();

  Side& false_slave = side();
  slave->stop(true);
  run();
  run(false_slave, config(Mode::responder));
  run(master, pinned(Mode::initiator, slave.key()));
  run_for(1min);
  EXPECT_NE(master.state(), State::up);
  EXPECT_NE(false_slave.state(), State::up);
  EXPECT_TRUE(master.seen.logged("is not the pinned peer"));
  false_slave->stop(true);
  run();
  // And once it is gone the right one is let in.
  run(slave, pinned(Mode::responder, master.key()));
  run_for(2min);
  talk("at last");
}

TEST_F(HostileTest, AFloodOfHandshakesDoesNotKeepTheRightPeerOutForLong) {
  run(slave, config(Mode::responder));
  crypto::SeededRandom random(98);
  const auto flood = [&] {
    for (int i = 0; i < 200; ++i) {
      Bytes init_req(53);
      random.fill(init_req);
      init_req[0] = 2;
      inject("up", init_req);
    }
    run_for(1s);
  };
  start(master, config(Mode::initiator));
  for (int i = 0; i < 10; ++i) flood();
  EXPECT_LT(broker.published.size(), 200U) << "answers are bounded";
  EXPECT_LT(slave.seen.lines.size(), 20U);
  run_for(1min);
  talk("through");
}

TEST_F(HostileTest, HelloMakesNoStorm) {
  start_both();
  run_for(1min);
  broker.published.clear();
  for (int i = 0; i < 600; ++i) {
    inject("down", {1, 0, 0, 0, 0});
    inject("up", {5, 0, 0, 0, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17});
    run_for(1s);
  }
  EXPECT_LT(broker.published.size(), 4000U);
  talk("after");
}

TEST_F(HostileTest, RetainedFramesOfAnOldSessionHarmNothing) {
  start_both();
  talk("old");
  master->stop(false);
  run_for(1s);
  const auto recorded = broker.published;
  for (const auto& message : recorded) {
    for (const auto* topic : {"up", "down"}) {
      broker.retained[topic] = {topic, message.payload, mqtt::Qos::at_least_once, true};
    }
    slave.seen.messages.clear();
    run(slave, config(Mode::responder));
    run(master, config(Mode::initiator));
    run_for(3s);
    talk("new");
    master->stop(true);
    slave->stop(true);
    run_for(1s);
  }
}

TEST_F(HostileTest, AWithheldPeerIsNoticedAndTheEndOfItToo) {
  start_both();
  broker.hold = true;
  EXPECT_TRUE(master->send_encrypted("withheld"));
  run_for(2min);
  EXPECT_TRUE(master.seen.logged("no answer from")) << master.seen.log();
  EXPECT_FALSE(master->status().peers.at(0).up);
  EXPECT_EQ(master.state(), State::up);
  broker.held.clear();
  broker.hold = false;
  run_for(2min);
  EXPECT_EQ(slave.seen.messages, Strings{"withheld"});
  EXPECT_TRUE(master->status().peers.at(0).up);
  EXPECT_TRUE(master.seen.logged("answers again") || master.seen.logged("has new keys"));
}

}  // namespace
}  // namespace sts::client
