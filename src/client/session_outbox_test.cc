// Durable messages in sessions: from the sender's outbox to the receiver's disk.
#include "client/session_outbox.h"

#include "client/outbox_message.h"
#include "client/pair_world.h"
#include "crypto/random.h"
#include "store/identity.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class SessionOutboxTest : public PairWorld {
 protected:
  Config master_config() {
    auto out = pinned(Mode::initiator, slave.key());
    out.durable = true;
    return out;
  }
  Config slave_config() { return pinned(Mode::responder, master.key()); }
  void start() { start(master_config()); }
  void start(Config of_master) {
    run(slave, slave_config());
    run(master, std::move(of_master));
    ASSERT_EQ(master.state(), State::up) << master.seen.log();
  }
  void send(const std::string& text) {
    const auto sent = master->send_encrypted(text);
    ASSERT_TRUE(sent) << sent.error().message;
    run();
  }
  store::Outbox outbox_of(Side& who) {
    crypto::SystemRandom random;
    auto identity = store::load_or_create_identity(who.home, random);
    auto state = store::State::open(who.home, identity->pair.private_key, system_random_);
    return std::move(*store::Outbox::open(std::move(*state), {}));
  }

  crypto::SystemRandom system_random_;
};

TEST_F(SessionOutboxTest, LeavesTheOutboxWhenThePeerHasTakenIt) {
  start();
  send("1");
  send("2");
  EXPECT_EQ(slave.seen.messages, (Strings{"1", "2"}));
  EXPECT_EQ(waiting(master), 0U);
  master->stop(false);
  run();
  stopped_well(master);
}

TEST_F(SessionOutboxTest, WhatIsAcceptedBeforeTheSessionGoesWithIt) {
  run(master, master_config());
  EXPECT_NE(master.state(), State::up);
  send("early");
  EXPECT_EQ(waiting(master), 1U);
  run(slave, slave_config());
  run_for(5s);
  EXPECT_EQ(slave.seen.messages, Strings{"early"});
  EXPECT_EQ(waiting(master), 0U);
}

TEST_F(SessionOutboxTest, OutlivesTheProcess) {
  run(master, master_config());
  send("1");
  send("2");
  master->stop(false);
  run_for(11s);
  EXPECT_EQ(failure(master), "2 messages wait in the outbox for the peer");
  run(slave, slave_config());
  run(master, master_config());
  send("3");
  run_for(5s);
  EXPECT_EQ(slave.seen.messages, (Strings{"1", "2", "3"}));
  EXPECT_EQ(waiting(master), 0U);
}

TEST_F(SessionOutboxTest, WhatAKilledReceiverHadNotTakenComesAgain) {
  start();
  slave->take_late();
  for (const auto* text : {"1", "2", "3"}) send(text);
  ASSERT_EQ(slave.seen.places.size(), 3U);
  EXPECT_EQ(waiting(master), 3U);
  slave->taken(slave.seen.places[0]);
  run();
  EXPECT_EQ(waiting(master), 2U);
  kill(slave);
  slave.seen.messages.clear();
  run(slave, slave_config());
  run_for(1min);
  EXPECT_EQ(slave.seen.messages, (Strings{"2", "3"}));
  slave->taken(slave.seen.places.back());
  run_for(1min);
  EXPECT_EQ(waiting(master), 0U);
}

TEST_F(SessionOutboxTest, ASenderThatDidNotHearOfItAsksAgainAndNothingComesTwice) {
  start();
  broker.on_publish = [](const mqtt::FakeTransport&, const mqtt::Message& message) {
    return message.topic == "down" ? std::vector<mqtt::Message>{} : std::vector{message};
  };
  send("1");  // taken, and the answer withheld
  EXPECT_EQ(slave.seen.messages, Strings{"1"});
  EXPECT_EQ(waiting(master), 1U);
  kill(master);
  broker.on_publish = nullptr;
  run(master, master_config());
  send("2");
  run_for(1min);
  EXPECT_EQ(slave.seen.messages, (Strings{"1", "2"}));
  EXPECT_EQ(waiting(master), 0U);
}

TEST_F(SessionOutboxTest, WhatTheBrokerRefusesOnceIsSentAgain) {
  start();
  broker.on_puback = [](const mqtt::Message& message) -> std::optional<Result<void>> {
    if (message.topic == "down") return Result<void>();
    return fail(Errc::refused, "quota exceeded");
  };
  broker.on_publish = [](const mqtt::FakeTransport&, const mqtt::Message& message) {
    return message.topic == "down" ? std::vector{message} : std::vector<mqtt::Message>{};
  };
  send("1");
  broker.on_puback = nullptr;
  broker.on_publish = nullptr;
  send("2");
  run_for(1min);
  EXPECT_EQ(slave.seen.messages, (Strings{"1", "2"})) << master.seen.log();
  EXPECT_EQ(waiting(master), 0U);
  master->stop(false);
  run();
  stopped_well(master);
}

TEST_F(SessionOutboxTest, GoesOnOverNewKeys) {
  auto config = master_config();
  config.rekey_after_messages = 16;
  run(slave, slave_config());
  run(master, std::move(config));
  Strings sent;
  for (int i = 0; i < 100; ++i) {
    sent.push_back(std::to_string(i));
    send(sent.back());
  }
  run_for(1min);
  EXPECT_EQ(slave.seen.messages, sent);
  EXPECT_EQ(waiting(master), 0U);
}

TEST_F(SessionOutboxTest, MoreThanFitsIntoTheSessionComesInOrder) {
  run(master, master_config());
  Strings sent;
  for (std::size_t i = 0; i < 3 * SessionOutbox::in_flight; ++i) {
    sent.push_back(std::to_string(i));
    EXPECT_TRUE(master->send_encrypted(sent.back()));
  }
  run();
  EXPECT_EQ(waiting(master), sent.size());
  run(slave, slave_config());
  run_for(1min);
  EXPECT_EQ(slave.seen.messages, sent);
  EXPECT_EQ(waiting(master), 0U);
}

TEST_F(SessionOutboxTest, WhatWasDroppedHoldsNothingUpAndIsTold) {
  auto config = master_config();
  config.outbox.messages = 2;
  config.outbox.when_full = store::OutboxOptions::Full::drop_oldest;
  run(master, std::move(config));
  for (const auto* text : {"1", "2", "3", "4"}) send(text);
  run(slave, slave_config());
  run_for(1min);
  EXPECT_EQ(slave.seen.messages, (Strings{"3", "4"}));
  master->stop(false);
  run();
  EXPECT_TRUE(master.seen.logged("the outbox dropped 2 messages: it was full"))
      << master.seen.log();
}

TEST_F(SessionOutboxTest, AFullOneThatBlocksHasRoomAgain) {
  auto config = master_config();
  config.outbox.messages = 2;
  start(std::move(config));
  slave->take_late();
  for (const auto* text : {"1", "2", "3"}) send(text);  // the third waits in memory
  const auto refused = master->send_encrypted("4");
  EXPECT_EQ(refused ? Errc{} : refused.error().code, Errc::limit);
  slave->taken(slave.seen.places.back());
  run_for(1s);
  EXPECT_EQ(master.seen.rooms, 1);
  send("4");
  slave->taken(slave.seen.places.back());
  run_for(1min);
  EXPECT_EQ(slave.seen.messages, (Strings{"1", "2", "3", "4"}));
}

TEST_F(SessionOutboxTest, MessagesOfChannelsAreLeftAlone) {
  {
    auto outbox = outbox_of(master);
    const store::Outbox::Message one{"up", encode_for_outbox({"up", to_bytes(as_bytes("c"))})};
    EXPECT_TRUE(outbox.accept({&one, 1}, 1));
  }
  start();
  send("1");
  EXPECT_EQ(slave.seen.messages, Strings{"1"});
  EXPECT_EQ(waiting(master), 0U);
  EXPECT_EQ(outbox_of(master).stats()->messages, 1U);
}

TEST_F(SessionOutboxTest, OneThatIsTooLargeForTheBrokerIsTold) {
  broker.maximum_packet_size = 2000;
  start();
  send(std::string(5000, 'x'));
  run_for(1s);
  EXPECT_TRUE(master.seen.logged("stay in the outbox")) << master.seen.log();
  EXPECT_EQ(waiting(master), 1U);
}

TEST_F(SessionOutboxTest, NeedsOnePeer) {
  auto config = master_config();
  config.mode = Mode::responder;
  config.peers = {slave.key(), crypto::PublicKey{}};
  const auto started = master->start(std::move(config), {});
  EXPECT_FALSE(started);
}

}  // namespace
}  // namespace sts::client
