// For tests: the two sides of a session.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "legacy/testing.h"

namespace sts::legacy {

/// One side, and all that it ever told its owner.
struct Side {
  explicit Side(const Session::Config& config, std::deque<Bytes> keys = {})
      : random(std::move(keys)), session(config, random) {}

  Effects take(Effects effects) {
    for (const auto& it : all<Publish>(effects)) outgoing.push_back(it.payload);
    append(log, effects);
    return effects;
  }
  static void append(Effects& to, const Effects& more) {
    to.insert(to.end(), more.begin(), more.end());
  }

  ScriptedRandom random;
  Session session;
  std::deque<Bytes> outgoing;
  Effects log;
};

/// A master and a slave with the network between them in the test's hand.
struct Pair {
  explicit Pair(Aes aes = Aes::cbc, Curve curve = Curve::secp256k1,
                std::deque<Bytes> master_keys = {}, std::deque<Bytes> slave_keys = {})
      : master({.role = Role::master, .aes = aes, .curve = curve}, std::move(master_keys)),
        slave({.role = Role::slave, .aes = aes}, std::move(slave_keys)) {}

  /// Delivers all until both are silent.
  void settle_network() {
    while (!master.outgoing.empty() || !slave.outgoing.empty()) {
      pass(master, slave);
      pass(slave, master);
    }
  }
  Effects pass(Side& from, Side& to) {
    Effects effects;
    while (!from.outgoing.empty()) {
      const Bytes payload = from.outgoing.front();
      from.outgoing.pop_front();
      Side::append(effects, to.take(to.session.receive(payload, now)));
    }
    return effects;
  }
  void to_deadline(Side& side) {
    now = std::max(now, side.session.next_deadline());
    side.take(side.session.advance(now));
  }
  void set_up() {
    slave.take(slave.session.start(now));
    master.take(master.session.start(now));
    settle_network();
    to_deadline(slave);
    to_deadline(master);
    ASSERT_TRUE(master.session.up());
    ASSERT_TRUE(slave.session.up());
  }
  void say(Side& from, std::string_view text) {
    from.outgoing.push_back(from.session.send(text).value());
  }
  void expect_both_ways() {
    say(master, "from the master");
    EXPECT_EQ(delivered(pass(master, slave)), std::vector<std::string>{"from the master"});
    say(slave, "from the slave ");
    EXPECT_EQ(delivered(pass(slave, master)), std::vector<std::string>{"from the slave "});
  }

  Instant now{};
  Side master, slave;
};

inline Effects receive(Side& side, std::string_view text, Instant now = {}) {
  return side.take(side.session.receive(as_bytes(text), now));
}

}  // namespace sts::legacy
