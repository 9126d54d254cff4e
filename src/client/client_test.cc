// Starts that succeed and fail, over STS 2.
#include "client/pair_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class ClientTest : public PairWorld {};

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
  wrong.peer_line = "pump:7";
  wrong.warnings = {"a warning"};
  const auto started = master->start(std::move(wrong), 1s);
  EXPECT_EQ(started.error().message, "pump:7: no peer is called nobody");
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

}  // namespace
}  // namespace sts::client
