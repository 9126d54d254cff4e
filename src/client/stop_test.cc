// The end of a session, asked for on either side.
#include "client/pair_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class StopTest : public PairWorld {};

TEST_F(StopTest, WhileConnectingOrWaitingIsAtOnce) {
  start(master, config(Mode::initiator));
  master->stop(false);
  master->stop(false);
  run();
  stopped_well(master);
  EXPECT_EQ(master.seen.count("called off"), 1U);
  run(master, config(Mode::initiator));
  master->stop(false);
  run();
  stopped_well(master);
  master->stop(true);  // nothing to stop
  run();
  EXPECT_EQ(master.seen.count("called off"), 2U);
  EXPECT_FALSE(master.seen.logged("session stopped")) << "there was none";
}

TEST_F(StopTest, DeliversFirstAndTellsThePeer) {
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
    EXPECT_TRUE(other.seen.logged("session stopped"));
    EXPECT_TRUE(other.seen.logged(who == &master ? "Received KILL from master"
                                                 : "Received KILL from slave"));
  }
}

TEST_F(StopTest, WithASilentPeerIsBoundedAndSaysWhatMayBeLost) {
  start_both();
  slave.client.reset();
  EXPECT_TRUE(master->send_encrypted("into the void"));
  master->stop(false);
  master->stop(false);
  run_for(9s);
  EXPECT_EQ(master.state(), State::stopping);
  run_for(2s);
  EXPECT_NE(failure(master).find("1 message was not acknowledged"), std::string::npos);
  EXPECT_EQ(master->next_deadline(), never);
}

TEST_F(StopTest, ImpatientStopIsAtOnceAndAsTruthful) {
  start_both();
  slave.client.reset();
  EXPECT_TRUE(master->send_encrypted("into the void"));
  run();
  master->stop(false);
  run();
  master->stop(true);
  run();
  EXPECT_NE(failure(master).find("1 message was"), std::string::npos);
}

TEST_F(StopTest, WhileOfflineIsBounded) {
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

TEST_F(StopTest, APeerThatComesBackDoesNotKeepAStopWaiting) {
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

TEST_F(StopTest, TheEndOfAClientInMidSessionIsQuiet) {
  start_both();
  EXPECT_TRUE(master->send_encrypted("x"));
  master->stop(false);
  master.client.reset();
  slave.client.reset();
  run_for(1min);
}

}  // namespace
}  // namespace sts::client
