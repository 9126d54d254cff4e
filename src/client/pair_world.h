// A master and a slave of STS 2 on a broker in memory.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "client/test_world.h"

namespace sts::client {

class PairWorld : public World {
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
    run_for(std::chrono::seconds(3));
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

}  // namespace sts::client
