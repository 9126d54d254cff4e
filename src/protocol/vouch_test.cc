// A trusted peer who vouches for whatever it likes, and what is lost where VOUCH is to help.
#include <gtest/gtest.h>

#include <set>

#include "protocol/strangers_for_tests.h"

namespace sts::protocol {
namespace {

Limits by_the_minute() {
  Limits limits;
  limits.rekey_after_time = 1min;
  return limits;
}

/// A responder with two peers: mallory, up already, and victim.
struct Crowd : Network {
  Node r, mallory, victim;
  crypto::SeededRandom random{77};

  explicit Crowd(std::uint64_t mallory_id = 1, std::uint64_t victim_id = 2)
      : r(add(
            {.role = noise::Role::responder, .identity = 9, .peers = {{mallory_id}, {victim_id}}})),
        mallory(add({.identity = mallory_id, .peers = {{9}}})),
        victim(add({.identity = victim_id, .peers = {{9}}, .limits = by_the_minute()})) {
    online(r);
    online(mallory);
    run();
  }

  void mallory_vouches_for(const Bytes& frame) {
    Effects out;
    link(mallory, r)->vouch(frame, now, out);
    for (const auto& publish : out.publish) inject(r, publish.frame);
  }
  void mallory_asks(int times) {
    for (int n = 0; n < times; ++n) {
      const Bytes request = stranger_request(random);
      mallory_vouches_for(request);
      inject(r, request);
    }
  }
};

TEST(Vouch, BuysAPeerABoundedNumberOfAnswers) {
  Crowd net;
  net.run_for(1s);
  net.recorded.clear();
  net.mallory_asks(500);
  const auto answers = [&] { return frames_of(net, FrameType::init_ack) / 2; };  // for two
  EXPECT_EQ(answers(), std::size_t{vouch_burst + dh_burst});
  net.run_for(1s);
  net.recorded.clear();
  net.mallory_asks(500);
  EXPECT_EQ(answers(), std::size_t{1s / vouch_interval + dh_burst});
}

TEST(Vouch, KeepsNoRoomFromFirstHandshakes) {
  Crowd net;
  for (int n = 0; n < 300; ++n) {
    net.mallory_asks(1);
    net.run_for(vouch_interval);
  }
  bool tried = false;
  net.tap = [&](const Network::Frame& frame) {
    if (!is(frame, FrameType::key_ack) || std::exchange(tried, true)) return true;
    net.queue.push_back({net.mallory, net.r, stranger_request(net.random)});
    return true;
  };
  net.online(net.victim);
  net.run();
  EXPECT_TRUE(tried);
  EXPECT_NE(net.link(net.victim, net.r), nullptr);
}

TEST(Vouch, PushesNoOtherPeersRenewalOut) {
  Crowd net;
  net.online(net.victim);
  net.run();
  bool pushed = false;
  net.tap = [&](const Network::Frame& frame) {
    if (!is(frame, FrameType::key_ack)) return true;
    pushed = true;
    return false;
  };
  net.run_for(1min);
  ASSERT_TRUE(pushed);
  for (int n = 0; n < 50; ++n) {
    net.mallory_asks(10);
    net.run_for(200ms);
  }
  EXPECT_GT(frames_of(net, FrameType::init_ack) / 2, pending_handshakes);
  net.tap = {};
  net.run_for(10s);
  EXPECT_EQ(net.all<Up>(net.victim).size(), 2U);
}

TEST(Vouch, OfAnotherPeerDoesNotTakeTheAnswersAway) {
  // Whichever of the two the responder finds first.
  for (const auto& [mallory, victim] : {std::pair{1, 2}, {2, 1}}) {
    Crowd net(static_cast<std::uint64_t>(mallory), static_cast<std::uint64_t>(victim));
    net.online(net.victim);
    net.run_for(1min - 1s);
    int answers = 0;
    net.tap = [&](const Network::Frame& frame) {
      // Its bytes are known from the first time, whose answer and VOUCH are lost.
      if (frame.from == net.victim && is(frame, FrameType::init_req) && answers > 0) {
        net.mallory_vouches_for(frame.bytes);
      }
      if (frame.from != net.r) return true;
      if (!is(frame, FrameType::init_ack)) return answers > 0;
      if (frame.to != net.victim || answers++ == 0) return false;
      besiege(net, frame, net.random);
      return true;
    };
    net.run_for(10s);
    EXPECT_EQ(answers, 2);
    EXPECT_EQ(net.all<Up>(net.victim).size(), 2U);
  }
}

/// A pair whose renewal is a second away.
struct Due : Pair {
  Due() : Pair(by_the_minute()) {
    up();
    run_for(1min - 1s);
  }
  crypto::SeededRandom random{3};
};

TEST(Vouch, ARepeatedAnswerIsVouchedForToo) {
  Due net;
  int answers = 0;
  net.tap = [&](const Network::Frame& frame) {
    if (frame.from != net.r) return true;
    if (!is(frame, FrameType::init_ack)) return answers > 0;
    if (++answers == 1) return false;
    besiege(net, frame, net.random);
    return true;
  };
  net.run_for(10s);
  EXPECT_EQ(net.all<Up>(net.i).size(), 2U);
}

TEST(Vouch, ThatComesLateKeepsAPendingHandshakeToo) {
  Due net;
  int requests = 0;
  net.tap = [&](const Network::Frame& frame) {
    if (is(frame, FrameType::enc_from_initiator) && requests == 0) return false;
    if (is(frame, FrameType::init_req)) ++requests;
    return !is(frame, FrameType::key_ack) && (!is(frame, FrameType::init_ack) || requests > 1);
  };
  net.run_for(4s);
  ASSERT_GE(requests, 2);
  for (int n = 0; n < 150; ++n) {
    for (int k = 0; k < 3; ++k) net.inject(net.r, stranger_request(net.random));
    net.run_for(60ms);
  }
  net.tap = {};
  net.run_for(15s);
  EXPECT_EQ(net.all<Up>(net.i).size(), 2U);
}

/// The responder has the new session, and for a while the initiator doesn't hear of it. Then
/// strangers come.
void expect_renewal_after(Duration outage, FrameType siege) {
  SCOPED_TRACE(std::to_string(outage / 1s) + " s, " + std::to_string(int(siege)));
  Due net;
  std::optional<Instant> until;
  net.tap = [&](const Network::Frame& frame) {
    if (is(frame, FrameType::key_ack) && !until) until = net.now + outage;
    if (until && frame.from == net.r && net.now < *until) return false;
    if (until && is(frame, siege)) besiege(net, frame, net.random);
    return true;
  };
  net.run_for(1s + outage + 32s);
  EXPECT_GE(net.all<Up>(net.i).size(), 2U);
  net.tap = {};
  expect_works(net, net.i, net.r);
}

TEST(Vouch, HelpsAfterConfirmWasLostForAWhile) {
  for (const auto siege : {FrameType::init_req, FrameType::init_ack, FrameType::key_ack}) {
    for (const auto outage : {10s, 20s, 40s, 70s}) expect_renewal_after(outage, siege);
  }
}

TEST(Vouch, HelpsAfterTheKeyAcksOfTheNextTryWereLostToo) {
  Due net;
  std::set<Bytes> tries;
  net.tap = [&](const Network::Frame& frame) {
    if (is(frame, FrameType::key_ack)) {
      tries.insert(frame.bytes);
      return tries.size() != 2;
    }
    // Nothing of the first new session arrives.
    if (frame.from == net.r && is_enc(frame) && tries.size() == 1) {
      return std::get<Enc>(*decode(frame.bytes)).receiver ==
             net.link(net.i, net.r)->current()->local();
    }
    if (tries.size() == 2 && is(frame, FrameType::init_ack)) besiege(net, frame, net.random);
    return true;
  };
  net.run_for(2min);
  EXPECT_GE(tries.size(), 3U);
  EXPECT_GE(net.all<Up>(net.i).size(), 2U);
}

TEST(Vouch, HelpsWhoWasOfflineAfterKeyAck) {
  Due net;
  bool cut = false;
  const Bytes stranger = stranger_request(net.random);
  net.tap = [&](const Network::Frame& frame) {
    if (cut && is(frame, FrameType::init_req)) besiege(net, frame, net.random);
    if (cut && is(frame, FrameType::key_ack)) {
      for (int n = 0; n < 2 * hello_burst; ++n) net.queue.push_back({net.i, net.r, stranger});
    }
    cut = cut || is(frame, FrameType::key_ack);
    return true;
  };
  net.now += 1s;
  net.advance_due();
  while (!cut) net.deliver_front();
  net.offline(net.i);
  net.run_for(70s);
  net.inject(net.r, stranger);
  net.online(net.i);
  net.run_for(40s);
  EXPECT_GE(net.all<Up>(net.i).size(), 2U);
  net.tap = {};
  expect_works(net, net.i, net.r);
}

TEST(Stalled, IsWhoAnswersAndAcknowledgesNothing) {
  Crowd net;
  net.online(net.victim);
  net.run();
  net.tap = [&](const Network::Frame& frame) {
    return !(frame.messages && frame.messages->peer == net.key(net.mallory));
  };
  net.run_for(1h);
  auto* const mallory = net.link(net.r, net.mallory);
  auto* const victim = net.link(net.r, net.victim);
  EXPECT_FALSE(mallory->stalled(net.now)) << "nothing waits";
  ASSERT_TRUE(net.send(net.r, net.mallory, "x"));
  for (auto passed = 0s; passed < stalled_after; passed += 1s) {
    EXPECT_FALSE(mallory->stalled(net.now));
    ASSERT_TRUE(net.send(net.r, net.victim, "x"));
    net.run_for(1s);
  }
  EXPECT_TRUE(mallory->stalled(net.now));
  EXPECT_FALSE(mallory->silent());
  EXPECT_FALSE(victim->stalled(net.now));
  net.offline(net.r);
  EXPECT_FALSE(mallory->stalled(net.now)) << "that is our own fault";
  net.online(net.r);
  EXPECT_FALSE(mallory->stalled(net.now));
  net.tap = {};
  net.run_for(1min);
  EXPECT_TRUE(mallory->idle());
}

}  // namespace
}  // namespace sts::protocol
