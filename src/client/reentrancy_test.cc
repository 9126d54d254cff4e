// An observer that calls the client from its callbacks, at every one of them.
#include "client/test_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class ReentrancyTest : public World {
 protected:
  void start_both() {
    run(slave, config(Mode::responder));
    run(master, config(Mode::initiator));
  }
  Side& slave = side();
  Side& master = side();
};

TEST_F(ReentrancyTest, StopAtAnyLogLine) {
  for (const bool impatient : {false, true}) {
    for (int at = 0; at < 8; ++at) {
      for (auto* who : {&slave, &master}) {
        int left = at;
        who->seen.log_hook = [&](const auto&) {
          if (left-- == 0) (*who)->stop(impatient);
        };
        start_both();
        for (auto* side : {&slave, &master}) {
          if (side->state() == State::up) {
            EXPECT_TRUE((*side)->send_encrypted("x"));
          }
        }
        run_for(1s);
        who->seen.log_hook = nullptr;
        for (auto* side : {&slave, &master}) (*side)->stop(true);
        run();
        EXPECT_EQ(slave.state(), State::stopped);
        EXPECT_EQ(master.state(), State::stopped);
        EXPECT_EQ(master->next_deadline(), never);
        EXPECT_EQ(slave->next_deadline(), never);
      }
    }
  }
}

TEST_F(ReentrancyTest, StopInAMessageOrWhenOneLeft) {
  for (const bool impatient : {false, true}) {
    start_both();
    slave.seen.messages.clear();
    slave.seen.message_hook = [&](const auto&) { slave->stop(impatient); };
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(master->send_encrypted("x"));
    run_for(20s);
    EXPECT_EQ(slave.state(), State::stopped);
    EXPECT_GE(slave.seen.messages.size(), 1U);
    EXPECT_EQ(master.state(), State::stopped) << "the peer was told";
    slave.seen.message_hook = nullptr;

    start_both();
    master.seen.sent_hook = [&] { master->stop(impatient); };
    EXPECT_TRUE(master->send_encrypted("x"));
    run_for(20s);
    EXPECT_EQ(master.state(), State::stopped);
    master.seen.sent_hook = nullptr;
    slave->stop(true);
    run();
  }
}

TEST_F(ReentrancyTest, AnEchoInsideTheCallbackLosesNothing) {
  start_both();
  slave.seen.message_hook = [&](const std::string& text) {
    EXPECT_TRUE(slave->send_encrypted("echo " + text));
  };
  std::vector<std::string> expected;
  for (int i = 0; i < 300; ++i) {
    EXPECT_TRUE(master->send_encrypted(std::to_string(i)));
    expected.push_back("echo " + std::to_string(i));
  }
  run_for(10s);
  EXPECT_EQ(master.seen.messages, expected);
}

TEST_F(ReentrancyTest, StartAgainAsSoonAsItStopped) {
  int again = 3;
  master.seen.state_hook = [&](State state) {
    if (state != State::stopped || again-- <= 0) return;
    EXPECT_TRUE(master->start(config(Mode::initiator), 30s));
  };
  start_both();
  for (int i = 0; i < 3; ++i) {
    master->stop(true);
    run_for(1s);
    EXPECT_NE(master.state(), State::stopped);
    slave->stop(true);
    run(slave, config(Mode::responder));
    run_for(5s);
    EXPECT_EQ(master.state(), State::up) << master.seen.log();
  }
  master.seen.messages.clear();
  EXPECT_TRUE(slave->send_encrypted("hello"));
  run_for(1s);
  EXPECT_EQ(master.seen.messages, std::vector<std::string>{"hello"});
}

TEST_F(ReentrancyTest, SendFromOnRoom) {
  start_both();
  broker.cut_all();
  run();
  std::size_t accepted = 0;
  while (master->send_encrypted("x")) ASSERT_LT(++accepted, 100'000U);
  master.seen.room_hook = [&] { EXPECT_TRUE(master->send_encrypted("room")); };
  run_for(1min);
  EXPECT_EQ(slave.seen.messages.size(), accepted + 1);
  EXPECT_EQ(slave.seen.messages.back(), "room");
}

TEST_F(ReentrancyTest, TheClientMayEndInOnState) {
  master.seen.state_hook = [&](State state) {
    if (state == State::up) master.client.reset();
  };
  run(slave, config(Mode::responder));
  start(master, config(Mode::initiator));
  while (broker.step() || loop.poll() > 0) loop.restart();
  EXPECT_EQ(master.client, nullptr);
}

TEST_F(ReentrancyTest, OnTheLastLinesNothingIsAcceptedThatWouldBeLost) {
  for (auto* who : {&slave, &master}) {
    Side& other = who == &slave ? master : slave;
    start_both();
    int asked = 0;
    who->seen.log_hook = [&](const auto&) {
      ++asked;
      EXPECT_FALSE((*who)->send_encrypted("late"));
    };
    other->stop(false);
    run_for(20s);
    EXPECT_EQ(who->state(), State::stopped);
    EXPECT_GE(asked, 2);
    who->seen.log_hook = nullptr;
  }
}

}  // namespace
}  // namespace sts::client
