// Start, stop, the broker's comings and goings, over STS 2.
#include "client/client.h"

#include <set>

#include "client/test_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

class ClientTest : public World {
 protected:
  void start_both() {
    run(slave, config(Mode::responder));
    run(master, config(Mode::initiator));
    ASSERT_EQ(master.state(), State::up) << master.seen.log() << slave.seen.log();
    ASSERT_EQ(slave.state(), State::up);
  }
  void talk() {
    const auto before = std::pair(slave.seen.messages.size(), master.seen.messages.size());
    EXPECT_TRUE(master->send_encrypted("to slave"));
    EXPECT_TRUE(slave->send_encrypted("to master"));
    run_for(3s);
    EXPECT_EQ(slave.seen.messages.size(), before.first + 1);
    EXPECT_EQ(master.seen.messages.size(), before.second + 1);
  }
  void stopped_well(Side& who) {
    EXPECT_EQ(who.state(), State::stopped);
    EXPECT_EQ(who.seen.states.back(), State::stopped);
    EXPECT_FALSE(who.seen.failed) << who.seen.failed->message;
    EXPECT_EQ(who->next_deadline(), never) << "a timer runs on";
    EXPECT_FALSE(who.transport->connected());
  }
  std::string failure(Side& who) {
    EXPECT_EQ(who.state(), State::stopped);
    return who.seen.failed ? who.seen.failed->message : "none";
  }

  Side& slave = side();
  Side& master = side();
};

TEST_F(ClientTest, AnyStartOrder) {
  start_both();
  talk();
  master->stop(false);
  run();
  stopped_well(master);
  stopped_well(slave);
  // And the other way round, in the same clients, with what was pinned.
  run(master, config(Mode::initiator));
  EXPECT_EQ(master.state(), State::waiting);
  run(slave, config(Mode::responder));
  run_for(2s);
  talk();
  EXPECT_EQ(master.seen.count("pinned"), 1U);
}

TEST_F(ClientTest, TellsStatesInOrderAndTheTruthInStatus) {
  EXPECT_EQ(master->status().state, State::stopped);
  start_both();
  EXPECT_EQ(master.seen.states, (std::vector{State::connecting, State::waiting, State::up}));
  talk();
  const Status status = master->status();
  EXPECT_EQ(status.protocol, "STS 2");
  EXPECT_NE(status.cipher.find("ChaCha20-Poly1305"), std::string::npos);
  EXPECT_EQ(status.mode, "master");
  EXPECT_EQ(status.subtop, "down");
  EXPECT_EQ(status.sent, 1U);
  EXPECT_EQ(status.received, 1U);
  ASSERT_EQ(status.peers.size(), 1U);
  EXPECT_EQ(status.peers[0].name, "pump");
  EXPECT_EQ(status.peers[0].public_key, crypto::to_text(slave.key()));
  EXPECT_EQ(status.peers[0].fingerprint, crypto::fingerprint(slave.key()));
  EXPECT_EQ(status.peers[0].age, 3s);
  EXPECT_TRUE(status.peers[0].up);
  EXPECT_EQ(status.peers[0].unacknowledged, 0U);
}

TEST_F(ClientTest, SendRefusesWhatItMust) {
  EXPECT_EQ(master->send_encrypted("x").error().code, Errc::refused);
  run(master, config(Mode::initiator));
  EXPECT_EQ(master->send_encrypted("x").error().code, Errc::refused);
  EXPECT_EQ(master->send("x").error().code, Errc::refused);
  run(slave, config(Mode::responder));
  run_for(2s);
  EXPECT_EQ(master->send("in clear").error().code, Errc::refused);
  EXPECT_EQ(wire().find("in clear"), std::string::npos);
  EXPECT_EQ(master->status().sent, 0U);
}

TEST_F(ClientTest, StartIsRefusedWhileSomethingRuns) {
  run(master, config(Mode::initiator));
  EXPECT_FALSE(master->start(config(Mode::initiator), {}));
  EXPECT_EQ(master.state(), State::waiting);
}

TEST_F(ClientTest, AConfigThatDoesNotFitStartsNothing) {
  auto wrong = config(Mode::initiator);
  wrong.peers = {std::string("nobody")};
  wrong.warnings = {"a warning"};
  const auto started = master->start(std::move(wrong), 1s);
  EXPECT_EQ(started.error().message, "no peer is called nobody");
  run_for(1min);
  EXPECT_EQ(master.state(), State::stopped);
  EXPECT_TRUE(master.seen.states.empty());
  EXPECT_TRUE(master.seen.logged("a warning"));
  EXPECT_EQ(master->next_deadline(), never);
}

TEST_F(ClientTest, NoBrokerEndsAStart) {
  broker.refuse_connect = Error{Errc::io, "connection refused on localhost:1883", "start one"};
  run(master, config(Mode::initiator));
  EXPECT_EQ(failure(master), "connection refused on localhost:1883");
  EXPECT_EQ(master.seen.failed->hint, "start one");
  EXPECT_EQ(master.seen.states, (std::vector{State::connecting, State::stopped}));
  broker.refuse_connect.reset();
  run(master, config(Mode::initiator));
  EXPECT_EQ(master.state(), State::waiting);
}

TEST_F(ClientTest, ARefusedSubscriptionEndsAStart) {
  broker.on_subscribe = [](const std::string&) { return fail(Errc::refused, "not authorised"); };
  run(master, config(Mode::initiator));
  EXPECT_EQ(failure(master), "not authorised");
}

TEST_F(ClientTest, TheTimeoutOfTheConfigGoesFirstAndEndsOnlyAStart) {
  auto with_timeout = config(Mode::initiator);
  with_timeout.timeout = 5s;
  run(master, std::move(with_timeout), 1h);
  run_for(4s);
  EXPECT_EQ(master.state(), State::waiting);
  run_for(2s);
  EXPECT_EQ(failure(master), "no session after 5 s");

  run(slave, config(Mode::responder), 3s);
  run(master, config(Mode::initiator), 3s);
  run_for(1h);
  EXPECT_EQ(master.state(), State::up);
  EXPECT_EQ(slave.state(), State::up);
  talk();
}

TEST_F(ClientTest, WithoutATimeoutItWaitsForEver) {
  run(master, config(Mode::initiator));
  run_for(24h);
  EXPECT_EQ(master.state(), State::waiting);
}

TEST_F(ClientTest, StopWhileConnectingOrWaitingIsAtOnce) {
  start(master, config(Mode::initiator));
  master->stop(false);
  master->stop(false);
  run();
  stopped_well(master);
  EXPECT_EQ(master.seen.count("session stopped"), 1U);
  run(master, config(Mode::initiator));
  master->stop(false);
  run();
  stopped_well(master);
  master->stop(true);  // nothing to stop
  run();
  EXPECT_EQ(master.seen.count("session stopped"), 2U);
}

TEST_F(ClientTest, StopDeliversFirstAndTellsThePeer) {
  for (auto* who : {&master, &slave}) {
    start_both();
    auto& other = who == &master ? slave : master;
    other.seen.messages.clear();
    EXPECT_TRUE((*who)->send_encrypted("last words"));
    (*who)->stop(false);
    EXPECT_EQ((*who)->send_encrypted("too late").error().code, Errc::refused);
    run();
    stopped_well(*who);
    stopped_well(other);
    EXPECT_EQ(other.seen.messages, Strings{"last words"});
    EXPECT_TRUE(other.seen.logged(who == &master ? "Received KILL from master"
                                                 : "Received KILL from slave"));
  }
}

TEST_F(ClientTest, StopWithASilentPeerIsBoundedAndSaysWhatMayBeLost) {
  start_both();
  slave.client.reset();
  EXPECT_TRUE(master->send_encrypted("into the void"));
  master->stop(false);
  master->stop(false);
  run_for(9s);
  EXPECT_EQ(master.state(), State::stopping);
  run_for(2s);
  EXPECT_NE(failure(master).find("1 messages were not acknowledged"), std::string::npos);
  EXPECT_EQ(master->next_deadline(), never);
}

TEST_F(ClientTest, ImpatientStopIsAtOnceAndAsTruthful) {
  start_both();
  slave.client.reset();
  EXPECT_TRUE(master->send_encrypted("into the void"));
  run();
  master->stop(false);
  run();
  master->stop(true);
  run();
  EXPECT_NE(failure(master).find("1 messages"), std::string::npos);
}

TEST_F(ClientTest, StopWhileOfflineIsBounded) {
  start_both();
  broker.refuse_connect = Error{Errc::io, "gone"};
  broker.cut(*master.transport);
  run();
  master->stop(false);
  run_for(11s);
  EXPECT_EQ(master.state(), State::stopped);
  run_for(1h);
  EXPECT_EQ(master.seen.states.back(), State::stopped);
}

TEST_F(ClientTest, APeerThatComesBackDoesNotKeepAStopWaiting) {
  start_both();
  EXPECT_TRUE(master->send_encrypted("x"));
  broker.on_publish = [](auto&, auto&) { return std::vector<mqtt::Message>{}; };
  master->stop(false);
  run_for(5s);
  broker.on_publish = nullptr;
  broker.cut_all();  // a reconnect in between, and with it a session that is up
  run_for(2s);
  run_for(5s);
  EXPECT_EQ(master.state(), State::stopped);
  EXPECT_EQ(slave.seen.messages, Strings{"x"});
}

TEST_F(ClientTest, WhatWasAcceptedWhileTheBrokerWasGoneArrivesOnceAndInOrder) {
  start_both();
  talk();
  broker.refuse_connect = Error{Errc::io, "connection refused on fake:1883"};
  broker.cut_all();
  run();
  EXPECT_EQ(master.state(), State::up);
  EXPECT_FALSE(master->status().broker_connected);
  Strings texts;
  for (int i = 0; i < 50; ++i) texts.push_back("offline " + std::to_string(i));
  for (const auto& text : texts) EXPECT_TRUE(master->send_encrypted(text));
  EXPECT_EQ(master->status().peers[0].unacknowledged, 50U);
  run_for(1min);
  slave.seen.messages.clear();
  broker.refuse_connect.reset();
  run_for(2min);
  EXPECT_EQ(slave.seen.messages, texts);
  EXPECT_EQ(master->status().peers[0].unacknowledged, 0U);
  talk();
}

TEST_F(ClientTest, AFrameLostWithTheConnectionIsSentAgain) {
  start_both();
  EXPECT_TRUE(master->send_encrypted("x"));
  broker.cut_all();  // before the broker saw it
  run_for(1min);
  EXPECT_EQ(slave.seen.messages, Strings{"x"});
  EXPECT_EQ(master.seen.sent.size(), 1U) << "a message is shown once";
}

TEST_F(ClientTest, ReconnectsWithBackoffAndOneLinePerReason) {
  start_both();
  broker.refuse_connect = Error{Errc::io, "connection refused on fake:1883"};
  int connects = 0;
  std::set<Duration> waits;
  broker.cut(*master.transport);
  run();
  while (connects < 30) {
    const auto at = master->next_deadline();
    ASSERT_NE(at, never);
    waits.insert(at - now);
    EXPECT_LE(at - now, 60s);
    EXPECT_GE(at - now, 500ms);
    now = at;
    master->advance();
    run();
    ++connects;
  }
  EXPECT_GT(waits.size(), 20U) << "no jitter";
  EXPECT_GE(*waits.rbegin(), 30s);
  EXPECT_EQ(master.seen.count("connection refused on fake:1883; trying again"), 1U);
  broker.refuse_connect.reset();
  run_for(2min);
  talk();
}

TEST_F(ClientTest, ABrokerThatHangsUpAtOnceIsNotAskedFasterAndFaster) {
  start_both();
  const auto before = master.seen.lines.size();
  for (int second = 0; second < 3600; ++second) {
    broker.cut(*master.transport);
    run_for(1s);
  }
  EXPECT_LT(master.seen.lines.size() - before, 500U);
  run_for(2min);
  talk();
}

TEST_F(ClientTest, AfterALongConnectionTheFirstTryIsSoon) {
  start_both();
  for (int i = 0; i < 5; ++i) {
    run_for(1min);
    broker.cut(*master.transport);
    run_for(1s);
    EXPECT_TRUE(master->status().broker_connected);
  }
}

TEST_F(ClientTest, ALoginRefusedLaterIsTriedAgain) {
  start_both();
  broker.refuse_connect = Error{Errc::refused, "login refused"};
  broker.cut(*master.transport);
  run_for(1min);
  EXPECT_EQ(master.state(), State::up);
  broker.refuse_connect.reset();
  run_for(2min);
  talk();
}

TEST_F(ClientTest, TooLargeForTheBrokerIsRefusedAtOnce) {
  broker.maximum_packet_size = 1000;
  start_both();
  const auto sent = master->send_encrypted(std::string(2000, 'x'));
  EXPECT_EQ(sent.error().code, Errc::refused);
  EXPECT_TRUE(master->send_encrypted(std::string(800, 'y')));
  run_for(1s);
  EXPECT_EQ(slave.seen.messages, Strings{std::string(800, 'y')});
}

TEST_F(ClientTest, TooLargeAfterAReconnectIsGivenUpWithALineAndTheRestArrives) {
  start_both();
  broker.cut_all();
  run();
  EXPECT_TRUE(master->send_encrypted(std::string(5000, 'x')));
  EXPECT_TRUE(master->send_encrypted("short"));
  broker.maximum_packet_size = 1000;
  run_for(1min);
  EXPECT_EQ(slave.seen.messages, Strings{"short"});
  EXPECT_EQ(master.seen.count("were not delivered"), 1U);
  EXPECT_EQ(master->status().peers[0].unacknowledged, 0U);
  master->stop(false);
  run();
  EXPECT_EQ(master.state(), State::stopped);
  ASSERT_TRUE(master.seen.failed);
  EXPECT_EQ(master.seen.failed->message, "1 messages were not delivered");
}

TEST_F(ClientTest, WhatAPubackRefusesIsToldAndTheRestArrives) {
  start_both();
  broker.on_publish = [](auto&, const mqtt::Message& m) {
    return m.payload.size() > 1000 ? std::vector<mqtt::Message>{} : std::vector{m};
  };
  broker.on_puback = [](const mqtt::Message& m) -> std::optional<Result<void>> {
    if (m.payload.size() > 1000) return fail(Errc::limit, "over its limit");
    return Result<void>{};
  };
  EXPECT_TRUE(master->send_encrypted(std::string(5000, 'x')));
  EXPECT_TRUE(master->send_encrypted("short"));
  run_for(1min);
  EXPECT_EQ(slave.seen.messages, Strings{"short"});
  EXPECT_EQ(master.seen.count("were not delivered"), 1U);
  talk();
}

TEST_F(ClientTest, ABrokerThatLetsNothingThroughIsToldOnce) {
  broker.on_puback = [](const mqtt::Message&) -> std::optional<Result<void>> {
    return fail(Errc::refused, "not authorised to publish there");
  };
  broker.on_publish = [](auto&, auto&) { return std::vector<mqtt::Message>{}; };
  run(master, config(Mode::initiator));
  run_for(10min);
  EXPECT_EQ(master.seen.count("not authorised to publish there"), 1U);
}

TEST_F(ClientTest, ALostPubackLosesNothing) {
  start_both();
  broker.on_puback = [](const mqtt::Message&) { return std::nullopt; };
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(master->send_encrypted(std::to_string(i)));
  run_for(10s);
  EXPECT_EQ(slave.seen.messages.size(), 100U);
  broker.cut_all();
  run_for(10s);
  EXPECT_EQ(slave.seen.messages.size(), 100U);
  EXPECT_EQ(master->status().peers[0].unacknowledged, 0U);
}

TEST_F(ClientTest, AFullBufferRefusesAndTellsWhenThereIsRoom) {
  start_both();
  broker.cut_all();
  run();
  Result<void> sent;
  std::size_t accepted = 0;
  while ((sent = master->send_encrypted("x"))) ASSERT_LT(++accepted, 100'000U);
  EXPECT_EQ(sent.error().code, Errc::limit);
  EXPECT_EQ(master.seen.rooms, 0);
  run_for(1min);
  EXPECT_EQ(master.seen.rooms, 1);
  EXPECT_TRUE(master->send_encrypted("again"));
  run_for(1s);
  EXPECT_EQ(slave.seen.messages.size(), accepted + 1);
}

TEST_F(ClientTest, APeerThatIsRestartedGetsWhatItMissed) {
  start_both();
  talk();
  slave.client.reset();
  EXPECT_TRUE(master->send_encrypted("while you were away"));
  run_for(5s);
  Side& second = side();
  std::filesystem::create_directories(second.home.directory());
  std::filesystem::copy(slave.home.directory(), second.home.directory(),
                        std::filesystem::copy_options::recursive);
  run(second, config(Mode::responder));
  run_for(2min);
  EXPECT_EQ(second.seen.messages, Strings{"while you were away"});
  EXPECT_TRUE(master.seen.logged("restarted"));
  EXPECT_EQ(master.state(), State::up);
}

TEST_F(ClientTest, RekeysWithoutLossAndSaysSo) {
  auto often = config(Mode::initiator);
  often.rekey_after_messages = 8;
  run(slave, config(Mode::responder));
  run(master, std::move(often));
  Strings texts;
  for (int i = 0; i < 200; ++i) {
    texts.push_back(std::to_string(i));
    EXPECT_TRUE(master->send_encrypted(texts.back()));
    if (i % 3 == 0) run_for(200ms);
  }
  run_for(10s);
  EXPECT_EQ(slave.seen.messages, texts);
  EXPECT_GT(slave.seen.count("has new keys"), 5U);
}

TEST_F(ClientTest, TheEndOfAClientInMidSessionIsQuiet) {
  start_both();
  EXPECT_TRUE(master->send_encrypted("x"));
  master->stop(false);
  master.client.reset();
  slave.client.reset();
  run_for(1min);
}

}  // namespace
}  // namespace sts::client
