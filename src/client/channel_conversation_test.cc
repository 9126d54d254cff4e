// Channels as the shell has them: clients on a broker in memory.
#include "client/test_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class ChannelConversation : public World {
 protected:
  ChannelConversation() {
    lets_read("gateway", gateway);
    believes("pump", pump);
  }

  void lets_read(const std::string& name, Side& reader) {
    EXPECT_TRUE(store::add_peer(pump.home, {name, reader.key(), {}, {.reads = {"plant/#"}}}));
  }
  void believes(const std::string& name, Side& sender) {
    EXPECT_TRUE(store::add_peer(gateway.home, {name, sender.key(), {}, {.writes = {"plant/#"}}}));
  }
  void start_both() {
    run(gateway, channel_config({"plant/#"}));
    run(pump, channel_config({}, "plant/7"));
    ASSERT_EQ(gateway.state(), State::up) << gateway.seen.log();
    ASSERT_EQ(pump.state(), State::up) << pump.seen.log();
  }
  void send(const std::string& text) {
    EXPECT_TRUE(pump->send_encrypted(text));
    run();
  }
  static mqtt::Message message(const std::string& topic, const std::string& text) {
    return {topic, to_bytes(as_bytes(text)), mqtt::Qos::at_least_once};
  }
  std::size_t keys_retained() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        broker.retained, [](const auto& it) { return it.first.starts_with("sts/keys/"); }));
  }
  channel::Counts counts(Side& who) {
    const auto reports = who->status().reports;
    return reports.empty() ? channel::Counts{} : reports[0].counted.counts;
  }
  Error refusal(const Result<void>& outcome) {
    EXPECT_FALSE(outcome);
    return outcome ? Error{} : outcome.error();
  }

  Side& pump = side();
  Side& gateway = side();
};

TEST_F(ChannelConversation, WhatIsPublishedIsSealedForItsReaders) {
  start_both();
  send(" 21.5 ");
  EXPECT_TRUE(pump->publish_on(message("plant/8", "secret")));
  run();
  EXPECT_EQ(gateway.seen.messages, (Strings{" 21.5 ", "secret"}));
  EXPECT_EQ(wire().find("21.5"), std::string::npos);
  EXPECT_EQ(wire().find("secret"), std::string::npos);
  EXPECT_EQ(refusal(pump->send("in the clear")).code, Errc::refused);
  EXPECT_EQ(refusal(gateway->send_encrypted("x")).hint, "'pub TOPIC MSG' names a topic");

  const auto status = gateway->status();
  EXPECT_EQ(status.mode, "channel");
  EXPECT_EQ(status.protocol, "STS 2 (channels)");
  EXPECT_EQ(status.subtop, "plant/#");
  EXPECT_EQ(status.received, 2U);
  ASSERT_EQ(status.reports.size(), 2U);
  EXPECT_EQ(status.reports[0].sender, "pump");
  EXPECT_EQ(status.reports[0].counted.topic, "plant/7");
  EXPECT_EQ(status.reports[0].counted.counts.delivered, 1U);
  EXPECT_EQ(pump->status().sent, 2U);
  EXPECT_EQ(pump->status().cipher.find("signed"), std::string::npos);
}

TEST_F(ChannelConversation, WithoutReadersNothingLeaves) {
  EXPECT_TRUE(store::remove_peer(pump.home, "gateway"));
  start_both();
  const auto why = refusal(pump->send_encrypted("x"));
  EXPECT_EQ(why.message, "nobody may read plant/7");
  EXPECT_EQ(why.hint,
            "sts peer add NAME KEY --reads plant/7, or for a peer that is known sts peer "
            "allow NAME --reads plant/7");
  run();
  EXPECT_TRUE(broker.published.empty());
  lets_read("gateway", gateway);
  send("y");
  EXPECT_EQ(gateway.seen.messages, Strings{"y"});
}

TEST_F(ChannelConversation, NothingIsLostOverAReconnect) {
  start_both();
  send("1");
  broker.on_publish = [](const mqtt::FakeTransport&, const mqtt::Message&) {
    return std::vector<mqtt::Message>{};
  };
  broker.on_puback = [](const mqtt::Message&) { return std::nullopt; };
  send("2");
  broker.cut(*pump.transport);
  broker.retained.clear();  // it lost its memory, too
  run();
  EXPECT_EQ(pump.state(), State::up);
  EXPECT_TRUE(pump->send_encrypted("3"));
  broker.on_publish = nullptr;
  broker.on_puback = nullptr;
  run_for(5s);
  EXPECT_EQ(gateway.seen.messages, (Strings{"1", "2", "3"}));
  EXPECT_EQ(counts(gateway).missing, 0U);
  EXPECT_EQ(keys_retained(), 1U);
}

TEST_F(ChannelConversation, StopTellsHowItEndedAndTakesTheKeysAway) {
  start_both();
  send("1");
  broker.on_publish = [](const mqtt::FakeTransport&, const mqtt::Message& message) {
    return message.topic == "plant/7" ? std::vector<mqtt::Message>{} : std::vector{message};
  };
  send("withheld");
  EXPECT_EQ(counts(gateway).missing, 0U);
  pump->stop(false);
  run();
  EXPECT_EQ(pump.state(), State::stopped);
  EXPECT_FALSE(pump.seen.failed);
  EXPECT_EQ(counts(gateway).missing, 1U);
  EXPECT_TRUE(gateway.seen.logged("plant/7: 1 message of pump missing")) << gateway.seen.log();
  EXPECT_EQ(keys_retained(), 0U);
  EXPECT_EQ(pump->next_deadline(), never);
}

TEST_F(ChannelConversation, StopWaitsForTheBrokerAndSaysWhatMayBeLost) {
  start_both();
  send("1");
  broker.on_puback = [](const mqtt::Message&) { return std::nullopt; };
  send("2");
  pump->stop(false);
  run_for(9s);
  EXPECT_EQ(pump.state(), State::stopping);
  run_for(2s);
  ASSERT_TRUE(pump.seen.failed);
  EXPECT_NE(pump.seen.failed->message.find("1 message was not acknowledged"), std::string::npos);
}

TEST_F(ChannelConversation, FiltersCanBeAddedAndTakenAway) {
  run(gateway, channel_config());
  run(pump, channel_config({}, "plant/7"));
  send("before");
  EXPECT_TRUE(gateway->subscribe({"plant/+", mqtt::Qos::at_least_once}));
  run();
  EXPECT_EQ(gateway.seen.answers, Strings{"plant/+ QoS 1"});
  send("1");
  EXPECT_TRUE(gateway->unsubscribe("plant/+"));
  run();
  send("unheard");
  EXPECT_TRUE(gateway->topics().empty());
  EXPECT_TRUE(gateway->subscribe({"plant/#", mqtt::Qos::at_least_once}));
  run();
  send("2");
  EXPECT_EQ(gateway.seen.messages, (Strings{"1", "2"}));
  EXPECT_EQ(counts(gateway).missing, 0U) << "nobody listened";

  ASSERT_EQ(gateway->topics().size(), 1U);
  EXPECT_EQ(gateway->topics()[0].filter, "plant/#");
  for (const auto& [filter, subscription] : gateway.transport->subscriptions()) {
    if (filter != "plant/#") {
      EXPECT_FALSE(gateway->unsubscribe(filter)) << "where keys come from";
    }
  }
  broker.on_subscribe = [](const std::string&) { return fail(Errc::refused, "not allowed"); };
  EXPECT_TRUE(gateway->subscribe({"office", mqtt::Qos::at_least_once}));
  run();
  EXPECT_EQ(gateway.seen.answers.back(), "office: not allowed");
  EXPECT_EQ(gateway->topics().size(), 1U);
}

TEST_F(ChannelConversation, WhoIsBelievedMayChange) {
  auto& valve = side();
  EXPECT_TRUE(store::add_peer(valve.home, {"gateway", gateway.key(), {}, {.reads = {"#"}}}));
  EXPECT_TRUE(store::remove_peer(gateway.home, "pump"));
  EXPECT_EQ(refusal(gateway->start(channel_config({"plant/#"}), {})).hint,
            "sts peer add NAME KEY --writes FILTER");
  run(gateway, channel_config());
  EXPECT_EQ(refusal(gateway->subscribe({"plant/#", mqtt::Qos::at_least_once})).message,
            "nobody is believed on any topic");
  gateway->stop(false);
  run();
  believes("pump", pump);
  start_both();
  run(valve, channel_config({}, "plant/valve"));
  believes("valve", valve);
  send("from pump");  // with it the change is noticed
  EXPECT_TRUE(valve->send_encrypted("from valve"));
  run();
  EXPECT_EQ(gateway.seen.messages, (Strings{"from pump", "from valve"}));
}

TEST_F(ChannelConversation, OnesOwnMessagesDontComeBack) {
  EXPECT_TRUE(store::add_peer(pump.home, {"valve", gateway.key(), {}, {}}) ||
              store::allow(pump.home, "gateway", {.writes = {"#"}}));
  run(pump, channel_config({"plant/#"}, "plant/7"));
  send("x");
  run_for(1h);
  EXPECT_FALSE(pump.seen.logged("without a key")) << pump.seen.log();
}

TEST_F(ChannelConversation, WhoMayReadAndWrite) {
  auto with_rights = channel_config({"plant/#"});
  with_rights.rights["pump"].reads = {"plant/7"};
  run(gateway, std::move(with_rights));
  const auto rights = gateway->rights("plant/7");
  ASSERT_TRUE(rights) << rights.error().message;
  ASSERT_EQ(rights->readers.size(), 1U);
  EXPECT_EQ(rights->readers[0].name, "pump");
  EXPECT_EQ(rights->readers[0].fingerprint, crypto::fingerprint(pump.key()));
  ASSERT_EQ(rights->writers.size(), 1U);
  EXPECT_EQ(gateway->rights("office")->readers.size(), 0U);
  EXPECT_FALSE(gateway->rights("plant/#"));
  run(pump, config(Mode::nosec));
  EXPECT_EQ(pump->rights("plant/7").error().code, Errc::refused);
}

TEST_F(ChannelConversation, ARefusedMessageIsTold) {
  start_both();
  broker.on_puback = [](const mqtt::Message& message) -> std::optional<Result<void>> {
    if (message.topic == "plant/7") return fail(Errc::refused, "not authorised");
    return Result<void>();
  };
  send("x");
  EXPECT_TRUE(pump.seen.logged("a message was not delivered: not authorised"));
  pump->stop(false);
  run();
  ASSERT_TRUE(pump.seen.failed);
  EXPECT_NE(pump.seen.failed->message.find("1 message was not delivered"), std::string::npos);
}

TEST_F(ChannelConversation, ASlowBrokerIsWaitedFor) {
  start_both();
  broker.on_puback = [](const mqtt::Message&) { return std::nullopt; };
  const std::string large(1 << 20, 'x');
  Result<void> sent;
  int accepted = 0;
  for (; sent && accepted < 100; ++accepted) sent = pump->send_encrypted(large);
  EXPECT_EQ(refusal(sent).code, Errc::limit);
  EXPECT_LT(accepted, 10);
  broker.cut_all();
  broker.on_puback = nullptr;
  run_for(5s);
  EXPECT_EQ(pump.seen.rooms, 1);
  EXPECT_TRUE(pump->send_encrypted("again"));
  run();
  EXPECT_EQ(gateway.seen.messages.back(), "again");
}

TEST_F(ChannelConversation, AFloodOfRubbishIsNoFloodOfWarnings) {
  start_both();
  for (int i = 0; i < 1000; ++i) broker.inject(message("plant/7", "rubbish"));
  run();
  EXPECT_LT(gateway.seen.count("something that isn't STS"), 50U);
  EXPECT_GT(gateway.seen.count("something that isn't STS"), 0U);
  gateway->stop(false);
  run();
  EXPECT_TRUE(gateway.seen.logged("more warnings left out"));
}

TEST_F(ChannelConversation, AWillIsSealedAndOfItsConnection) {
  auto willing = channel_config({}, "plant/7");
  willing.broker.will = message("plant/8", "fell");
  run(gateway, channel_config({"plant/#"}));
  run(pump, std::move(willing));
  ASSERT_EQ(pump.state(), State::up) << pump.seen.log();
  // It looked first, for keys that it may have left: the second connection has the will.
  const auto will = pump.transport->options().will;
  ASSERT_TRUE(will);
  EXPECT_EQ(as_text(will->payload).find("fell"), std::string_view::npos);
  send("1");
  broker.cut(*pump.transport);
  run_for(5s);
  broker.inject(*will);
  run();
  EXPECT_EQ(gateway.seen.messages, Strings{"1"}) << "it is of the connection before";
  broker.inject(pump.transport->options().will.value());
  run();
  EXPECT_EQ(gateway.seen.messages, (Strings{"1", "fell"}));
  pump->stop(false);
  run();
  EXPECT_EQ(counts(gateway).missing, 0U);
}

TEST_F(ChannelConversation, AWillThatNobodyMayReadIsRefused) {
  auto willing = channel_config({}, "plant/7");
  willing.broker.will = message("office/1", "fell");
  EXPECT_EQ(refusal(pump->start(std::move(willing), {})).message, "nobody may read office/1");
  EXPECT_EQ(pump.state(), State::stopped);
}

TEST_F(ChannelConversation, ItsWillIsRenewedWhileMessagesFlow) {
  auto willing = channel_config({}, "plant/7");
  willing.broker.will = message("plant/8", "fell");
  run(gateway, channel_config({"plant/#"}));
  run(pump, std::move(willing));
  const auto first = pump.transport->options().will.value().payload;
  Strings sent;
  for (int minute = 0; minute < 130; ++minute) {  // over two keys of an hour each
    sent.push_back(std::to_string(minute));
    while (!pump->send_encrypted(sent.back())) run_for(1s);
    run_for(1min);
  }
  EXPECT_EQ(gateway.seen.messages, sent);
  EXPECT_NE(pump.transport->options().will.value().payload, first);
  EXPECT_EQ(counts(gateway).missing, 0U);
}

TEST_F(ChannelConversation, HeartbeatsShowAWithheldTail) {
  auto beating = channel_config({}, "plant/7");
  beating.heartbeat = 60s;
  run(gateway, channel_config({"plant/#"}));
  run(pump, std::move(beating));
  send("1");
  broker.on_publish = [](const mqtt::FakeTransport&, const mqtt::Message&) {
    return std::vector<mqtt::Message>{};
  };
  send("withheld");
  broker.on_publish = nullptr;
  EXPECT_EQ(counts(gateway).missing, 0U);
  run_for(61s);
  EXPECT_EQ(counts(gateway).missing, 1U);
}

TEST_F(ChannelConversation, ItGoesOnAboveWhatItLeftWhenItsStateIsLost) {
  start_both();
  now += 24h;  // its numbers follow the clock, which is behind after this
  send("1");
  broker.cut(*pump.transport);
  pump->stop(true);
  run();
  now -= 24h;
  EXPECT_TRUE(std::filesystem::remove(pump.home.state_file()));
  run(pump, channel_config({}, "plant/7"));
  ASSERT_EQ(pump.state(), State::up) << pump.seen.log();
  send("2");
  EXPECT_EQ(gateway.seen.messages, (Strings{"1", "2"})) << gateway.seen.log();
}

TEST_F(ChannelConversation, WhoSignsSaysSo) {
  auto signing = channel_config({}, "plant/7");
  signing.sign = true;
  run(pump, std::move(signing));
  EXPECT_NE(pump->status().cipher.find("signed"), std::string::npos);
  pump->stop(false);
  run();
  run(pump, channel_config({}, "plant/7"));
  EXPECT_NE(pump->status().cipher.find("signed"), std::string::npos) << "for good";
}

}  // namespace
}  // namespace sts::client
