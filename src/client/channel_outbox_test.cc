// Durable messages on channels of the shell: from the outbox to the broker.
#include "client/channel_outbox.h"

#include "client/outbox_message.h"
#include "client/test_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class ChannelOutboxTest : public World {
 protected:
  ChannelOutboxTest() {
    EXPECT_TRUE(store::add_peer(pump.home, {"gateway", gateway.key(), {}, {.reads = {"plant/#"}}}));
    EXPECT_TRUE(store::add_peer(gateway.home, {"pump", pump.key(), {}, {.writes = {"plant/#"}}}));
  }

  static Config durable() {
    auto out = channel_config({}, "plant/7");
    out.durable = true;
    return out;
  }
  void start_reader() { run(gateway, channel_config({"plant/#"})); }
  void send(const std::string& text) {
    const auto sent = pump->send_encrypted(text);
    EXPECT_TRUE(sent) << sent.error().message;
    run();
  }
  void withhold_answers(bool withhold) {
    if (withhold) {
      broker.on_puback = [](const mqtt::Message&) { return std::nullopt; };
    } else {
      broker.on_puback = nullptr;
    }
  }

  Side& pump = side();
  Side& gateway = side();
};

TEST_F(ChannelOutboxTest, LeavesTheOutboxWhenTheBrokerHasIt) {
  start_reader();
  run(pump, durable());
  withhold_answers(true);
  send("1");
  EXPECT_EQ(waiting(pump), 1U);
  EXPECT_EQ(gateway.seen.messages, Strings{"1"});
  withhold_answers(false);
  broker.cut(*pump.transport);
  run_for(5s);
  send("2");
  EXPECT_EQ(waiting(pump), 0U);
  EXPECT_EQ(gateway.seen.messages, (Strings{"1", "2"}));
  pump->stop(false);
  run();
  EXPECT_FALSE(pump.seen.failed);
}

TEST_F(ChannelOutboxTest, WhatIsAcceptedWithoutABrokerOutlivesTheProcess) {
  start_reader();
  broker.refuse_connect = Error{Errc::io, "nobody listens", {}};
  run(pump, durable());
  EXPECT_TRUE(pump->ready());
  send("1");
  EXPECT_TRUE(pump->publish_on({"plant/8", to_bytes(as_bytes("2")), mqtt::Qos::at_least_once}));
  run();
  EXPECT_EQ(waiting(pump), 2U);
  pump->stop(false);
  run_for(1min);
  ASSERT_TRUE(pump.seen.failed);
  EXPECT_EQ(pump.seen.failed->message, "2 messages wait in the outbox");
  broker.refuse_connect.reset();
  run(pump, durable());
  send("3");
  EXPECT_EQ(gateway.seen.messages, (Strings{"1", "2", "3"}));
  EXPECT_EQ(waiting(pump), 0U);
}

TEST_F(ChannelOutboxTest, AStopWaitsForABrokerThatComesInTime) {
  start_reader();
  broker.refuse_connect = Error{Errc::io, "nobody listens", {}};
  run(pump, durable());
  send("1");
  pump->stop(false);
  run();
  broker.refuse_connect.reset();
  run_for(9s);
  EXPECT_EQ(pump.state(), State::stopped);
  EXPECT_FALSE(pump.seen.failed);
  EXPECT_EQ(gateway.seen.messages, Strings{"1"});
}

TEST_F(ChannelOutboxTest, WhatCanNotBeAcceptedIsTold) {
  run(pump, durable());
  // As a full disk would.
  auto database = store::Database::open(pump.home.state_file());
  ASSERT_TRUE(database && database->run("ALTER TABLE outbox RENAME TO away"));
  send("1");
  ASSERT_TRUE(database->run("ALTER TABLE away RENAME TO outbox"));
  EXPECT_TRUE(pump.seen.logged("1 message was not accepted: "));
  pump->stop(false);
  run();
  EXPECT_TRUE(pump.seen.failed);
}

TEST_F(ChannelOutboxTest, WhatIsForAPeerIsLeftAlone) {
  start_reader();
  {
    crypto::SystemRandom random;
    auto state = store::State::open(pump.home, pump.identity().private_key, random);
    auto outbox = *store::Outbox::open(std::move(*state), {});
    const store::Outbox::Message one{
        session_destination(gateway.key(), "up"), encode_for_session("x"), {}, true};
    EXPECT_TRUE(outbox.accept({&one, 1}, 1));
  }
  run(pump, durable());
  send("1");
  EXPECT_EQ(gateway.seen.messages, Strings{"1"});
  EXPECT_EQ(waiting(pump), 0U);
  pump->stop(false);
  run();
  EXPECT_FALSE(pump.seen.failed);
}

TEST_F(ChannelOutboxTest, AfterACrashNothingComesTwice) {
  start_reader();
  run(pump, durable());
  send("1");
  withhold_answers(true);
  send("2");
  kill(pump);
  withhold_answers(false);
  run(pump, durable());
  send("3");
  run_for(5s);
  EXPECT_EQ(gateway.seen.messages, (Strings{"1", "2", "3"}));
  EXPECT_EQ(waiting(pump), 0U);
}

TEST_F(ChannelOutboxTest, WithoutItsStateItLooksBeforeItSeals) {
  start_reader();
  {
    // Its clock was ahead once.
    crypto::SystemRandom random;
    auto state = store::State::open(pump.home, pump.identity().private_key, random);
    auto change = state->begin();
    const auto tomorrow = unix_ms(std::chrono::system_clock::now() + 24h);
    ASSERT_TRUE(change->next_epoch(tomorrow) && change->commit());
  }
  for (std::size_t i = 0; i <= channel::epochs_of_sender; ++i) {  // the reader lets go of the first
    run(pump, durable());
    send("old");
    kill(pump);  // its keys stay at the broker
  }
  gateway.seen.messages.clear();
  EXPECT_TRUE(std::filesystem::remove(pump.home.state_file()));
  broker.refuse_connect = Error{Errc::io, "nobody listens", {}};
  run(pump, durable());
  send("2");
  broker.refuse_connect.reset();
  run_for(5s);
  EXPECT_EQ(gateway.seen.messages, Strings{"2"}) << gateway.seen.log();
}

TEST_F(ChannelOutboxTest, GoesOnAfterANewWill) {
  start_reader();
  auto config = durable();
  config.broker.will = mqtt::Message{"plant/7", to_bytes(as_bytes("gone"))};
  run(pump, std::move(config));
  send("1");
  run_for(61min);  // its key is over, and so the connection
  send("2");
  run_for(5s);
  EXPECT_EQ(gateway.seen.messages, (Strings{"1", "2"}));
  EXPECT_EQ(waiting(pump), 0U);
}

TEST_F(ChannelOutboxTest, WhatCanNotBeDurableIsRefused) {
  run(pump, durable());
  const auto refused = [&](mqtt::Message message) {
    const auto done = pump->publish_on(message);
    return done ? std::string() : done.error().message;
  };
  EXPECT_NE(refused({"plant/7", {}, mqtt::Qos::at_least_once, true}).find("taking away"),
            std::string::npos);
  EXPECT_NE(refused({"plant/7", {}, mqtt::Qos::at_most_once}).find("QoS 0"), std::string::npos);
  EXPECT_EQ(refused({"office", {}, mqtt::Qos::at_least_once}), "nobody may read office");
  EXPECT_EQ(waiting(pump), 0U);
}

TEST_F(ChannelOutboxTest, WhatIsFullHasRoomOnceSomeWasTaken) {
  auto config = durable();
  config.outbox.messages = 1;
  run(pump, std::move(config));
  withhold_answers(true);
  send("1");
  send("2");  // put in, and not accepted
  EXPECT_EQ(pump->send_encrypted("3").error().code, Errc::limit);
  withhold_answers(false);
  broker.cut(*pump.transport);
  run_for(5s);
  EXPECT_EQ(pump.seen.rooms, 1);
  EXPECT_EQ(waiting(pump), 0U);
}

}  // namespace
}  // namespace sts::client
