// The handshake between an Initiator and a Responder, and everything a broker can do to it.
#include <gtest/gtest.h>

#include <set>

#include "protocol/network_for_tests.h"

namespace sts::protocol {
namespace {

using Texts = std::vector<std::string>;

std::size_t frames_of(const Network& net, FrameType type) {
  return static_cast<std::size_t>(std::ranges::count_if(net.recorded, [&](const auto& frame) {
    return frame.bytes[0] == static_cast<std::uint8_t>(type);
  }));
}

const Bytes& frame_of(const Network& net, FrameType type) {
  return std::ranges::find_if(
             net.recorded,
             [&](const auto& frame) { return frame.bytes[0] == static_cast<std::uint8_t>(type); })
      ->bytes;
}

void expect_works(Network& net, Network::Node i, Network::Node r) {
  const auto at_i = net.received(i).size();
  const auto at_r = net.received(r).size();
  ASSERT_TRUE(net.send(i, r, "question"));
  ASSERT_TRUE(net.send(r, i, "answer"));
  net.run_for(1min);
  ASSERT_EQ(net.received(r).size(), at_r + 1);
  ASSERT_EQ(net.received(i).size(), at_i + 1);
  EXPECT_EQ(net.received(r).back(), "question");
  EXPECT_EQ(net.received(i).back(), "answer");
}

TEST(Handshake, HasTheSizesOfTheSpecification) {
  Pair net;
  net.online(net.r);
  net.run();
  net.online(net.i);
  net.run();
  std::vector<std::size_t> sizes;
  for (const auto& frame : net.recorded) sizes.push_back(frame.bytes.size());
  // HELLO while nobody listened, INITREQ, INITACK, KEYACK, CONFIRM (1 + 4 + 1 + 1 + 16).
  EXPECT_EQ(sizes, (std::vector<std::size_t>{5, 53, 105, 69, 23}));
}

TEST(Handshake, AMessageCosts23To25Bytes) {
  Pair net;
  net.up();
  const auto cost = [&] {
    net.recorded.clear();
    EXPECT_TRUE(net.send(net.i, net.r, "1234567890"));
    return net.recorded.at(0).bytes.size() - 10;
  };
  EXPECT_EQ(cost(), 23U);
  while (net.link(net.i, net.r)->current()->sealed() < 128) cost(), net.run_for(200ms);
  EXPECT_EQ(cost(), 24U);
  while (net.link(net.i, net.r)->current()->sealed() < 16384) cost(), net.run();
  EXPECT_EQ(cost(), 25U);
}

TEST(Handshake, WorksInAnyStartOrder) {
  for (const bool initiator_first : {true, false}) {
    Pair net;
    net.online(initiator_first ? net.i : net.r);
    net.run_for(100s);
    net.recorded.clear();
    net.online(initiator_first ? net.r : net.i);
    net.run();
    EXPECT_TRUE(net.is_up()) << "at once, not at the next retry";
    expect_works(net, net.i, net.r);
    EXPECT_EQ(net.all<Up>(net.i).size(), 1U);
    EXPECT_EQ(net.all<Up>(net.r).size(), 1U);
    EXPECT_FALSE(net.all<Up>(net.r)[0].renewed);
  }
}

TEST(Handshake, NoDataBeforeConfirm) {
  Pair net;
  net.tap = [](const Network::Frame& frame) { return frame.bytes[0] != 6; };
  net.online(net.r);
  net.online(net.i);
  net.run();
  EXPECT_EQ(net.link(net.i, net.r), nullptr);
  EXPECT_NE(net.link(net.r, net.i), nullptr);
  net.tap = {};
  net.run_for(3s);
  expect_works(net, net.i, net.r);
}

TEST(Handshake, RetriesAreIdenticalAndBackOff) {
  Pair net;
  net.online(net.i);
  net.run_for(10min);
  const auto count = frames_of(net, FrameType::init_req);
  EXPECT_GT(count, 10U);
  EXPECT_LT(count, 40U);
  for (const auto& frame : net.recorded) EXPECT_EQ(frame.bytes, net.recorded[0].bytes);
}

TEST(Handshake, TheAnswerIsCached) {
  Pair net;
  net.tap = [](const Network::Frame& frame) { return frame.bytes[0] != 3; };
  net.online(net.r);
  net.online(net.i);
  net.run_for(10s);
  std::set<Bytes> answers;
  for (const auto& frame : net.recorded) {
    if (frame.bytes[0] == 3) answers.insert(frame.bytes);
  }
  EXPECT_GT(frames_of(net, FrameType::init_ack), 1U);
  EXPECT_EQ(answers.size(), 1U);
  net.tap = {};
  net.run_for(1min);
  expect_works(net, net.i, net.r);
}

// What may befall one copy of the handshake's frame `type`.
void handshake_with(const std::function<void(Pair&, Network::Frame&, bool&)>& befalls,
                    const std::string& what) {
  for (std::uint8_t type = 2; type <= 6; ++type) {
    SCOPED_TRACE(what + ", frame type " + std::to_string(type));
    Pair net;
    bool done = false;
    net.tap = [&](Network::Frame& frame) {
      if (done || frame.bytes[0] != type) return true;
      done = true;
      bool arrives = true;
      befalls(net, frame, arrives);
      return arrives;
    };
    net.online(net.r);
    net.online(net.i);
    net.run_for(1min);
    ASSERT_TRUE(net.is_up());
    expect_works(net, net.i, net.r);
    EXPECT_EQ(net.all<Up>(net.i).size(), 1U);
    EXPECT_EQ(net.received(net.r), Texts{"question"});
    EXPECT_EQ(net.received(net.i), Texts{"answer"});
  }
}

TEST(Handshake, SurvivesTheLossOfAnyFrame) {
  handshake_with([](Pair&, Network::Frame&, bool& arrives) { arrives = false; }, "lost");
}

TEST(Handshake, SurvivesARepeatOfAnyFrame) {
  handshake_with(
      [](Pair& net, Network::Frame& frame, bool&) {
        net.queue.push_back(frame);
        net.queue.push_back(frame);
      },
      "repeated");
}

TEST(Handshake, SurvivesLateFrames) {
  handshake_with(
      [](Pair& net, Network::Frame& frame, bool& arrives) {
        arrives = false;
        auto late = std::make_shared<Network::Frame>(frame);
        auto* all = &net;
        // Comes when ten more frames were published.
        net.tap = [all, late, left = 10](Network::Frame&) mutable {
          if (--left == 0) all->queue.push_back(*late);
          return true;
        };
      },
      "late");
}

TEST(Handshake, SurvivesForgeriesOfAnyFrame) {
  handshake_with(
      [](Pair& net, Network::Frame& frame, bool&) {
        for (std::size_t at = 0; at < frame.bytes.size(); ++at) {
          Network::Frame forged = frame;
          forged.bytes[at] ^= static_cast<std::uint8_t>(1U << (at % 8));
          net.queue.push_back(std::move(forged));
        }
        for (std::size_t size = 0; size < frame.bytes.size(); ++size) {
          Network::Frame cut = frame;
          cut.bytes.resize(size);
          net.queue.push_back(std::move(cut));
        }
      },
      "forged");
}

TEST(Handshake, ForgedAnswersDoNotUseTheAttemptUp) {
  for (const auto type : {FrameType::init_ack, FrameType::key_ack}) {
    Pair net;
    net.tap = [&](Network::Frame& frame) {
      if (frame.bytes[0] != static_cast<std::uint8_t>(type)) return true;
      Network::Frame forged = frame;
      forged.bytes.back() ^= 1;
      net.queue.push_back(std::move(forged));
      return true;
    };
    net.online(net.r);
    net.online(net.i);
    net.run();
    EXPECT_TRUE(net.is_up()) << "without any retry";
    EXPECT_EQ(net.notices(
                  type == FrameType::init_ack ? net.i : net.r,
                  type == FrameType::init_ack ? NoticeKind::unverified : NoticeKind::psk_mismatch),
              1U);
  }
}

TEST(Handshake, ReplayOfEverythingChangesNothing) {
  Pair net;
  net.up();
  expect_works(net, net.i, net.r);
  const auto everything = net.recorded;
  const auto at_i = net.received(net.i);
  const auto at_r = net.received(net.r);
  const auto* session = net.link(net.i, net.r)->current();
  for (int round = 0; round < 3; ++round) {
    for (const auto& frame : everything) {
      net.deliver(frame);
      net.run();
    }
    net.run_for(30s);
  }
  EXPECT_EQ(net.received(net.i), at_i);
  EXPECT_EQ(net.received(net.r), at_r);
  EXPECT_EQ(net.link(net.i, net.r)->current(), session);
  expect_works(net, net.i, net.r);
  EXPECT_EQ(net.all<Up>(net.i).size(), 1U);
}

TEST(Handshake, ReplayOfADeadSessionChangesNothing) {
  Pair net;
  net.up();
  expect_works(net, net.i, net.r);
  const auto everything = net.recorded;
  net.restart(net.i);
  net.restart(net.r);
  net.run_for(1min);
  for (const auto& frame : everything) net.deliver(frame);
  net.run_for(2min);
  EXPECT_EQ(net.received(net.i), Texts{});
  EXPECT_EQ(net.received(net.r), Texts{});
  expect_works(net, net.i, net.r);
}

// The broker withholds KEYACK until the initiator has given up and made another session.
TEST(Handshake, ALateKeyAckDoesNotReplaceANewerSession) {
  Pair net;
  std::vector<Network::Frame> withheld;
  net.tap = [&](Network::Frame& frame) {
    if (frame.bytes[0] != 4) return true;
    withheld.push_back(frame);
    return false;
  };
  net.online(net.r);
  net.online(net.i);
  net.run_for(10s);
  ASSERT_FALSE(withheld.empty());
  const Network::Frame late = withheld[0];
  net.restart(net.i);  // the first process is gone, its KEYACK is not
  net.tap = {};
  net.run_for(5s);
  ASSERT_TRUE(net.is_up());
  // The answers to this are lost: it must not arrive a second time in the end.
  net.tap = [&](Network::Frame& frame) { return frame.from == net.i; };
  ASSERT_TRUE(net.send(net.i, net.r, "once"));
  net.run_for(1s);
  const auto ups = net.all<Up>(net.r).size();
  net.deliver(late);
  net.tap = {};
  net.run_for(5min);
  EXPECT_EQ(net.all<Up>(net.r).size(), ups);
  EXPECT_EQ(net.received(net.r), Texts{"once"});
  expect_works(net, net.i, net.r);
}

// --- Who may speak -------------------------------------------------------------------------------

struct Trusting : Network {
  Node add_initiator(std::uint64_t identity, std::vector<NodeOptions::Known> peers,
                     std::optional<std::uint8_t> first_use = {}) {
    return add({.role = noise::Role::initiator,
                .identity = identity,
                .peers = std::move(peers),
                .first_use = first_use});
  }
  Node add_responder(std::uint64_t identity, std::vector<NodeOptions::Known> peers,
                     std::optional<std::uint8_t> first_use = {}) {
    return add({.role = noise::Role::responder,
                .identity = identity,
                .peers = std::move(peers),
                .first_use = first_use});
  }
  void start(Node r, Node i) {
    online(r);
    online(i);
    run_for(2min);
  }
  void expect_refused(Node i, Node r) {
    EXPECT_EQ(link(i, r), nullptr);
    EXPECT_TRUE(all<Up>(i).empty());
    EXPECT_TRUE(all<Pinned>(i).empty());
  }
};

TEST(Trust, TheInitiatorRefusesAnotherKey) {
  Trusting net;
  const auto i = net.add_initiator(1, {{2}});
  const auto r = net.add_responder(3, {{1}});
  net.start(r, i);
  net.expect_refused(i, r);
  EXPECT_GT(net.notices(i, NoticeKind::untrusted), 0U);
  EXPECT_EQ(net.all<Notice>(i)[0].peer, net.key(r));
  EXPECT_TRUE(net.endpoint(r).links().empty());
}

TEST(Trust, TheResponderRefusesAnotherKey) {
  Trusting net;
  const auto i = net.add_initiator(1, {{2}});
  const auto r = net.add_responder(2, {{3}});
  net.start(r, i);
  net.expect_refused(i, r);
  EXPECT_TRUE(net.endpoint(r).links().empty());
  EXPECT_GT(net.notices(r, NoticeKind::untrusted), 0U);
  EXPECT_GT(net.notices(i, NoticeKind::not_confirmed), 0U);
}

TEST(Trust, OwnKeyIsNoticed) {
  Trusting net;
  const auto i = net.add_initiator(1, {{2}});
  const auto r = net.add_responder(1, {{3}});
  net.start(r, i);
  net.expect_refused(i, r);
  EXPECT_GT(net.notices(i, NoticeKind::own_key), 0U);
}

TEST(Trust, APskMustBeTheSameOnBothSides) {
  for (const auto& [at_i, at_r] : {std::pair<std::uint8_t, std::uint8_t>{5, 0}, {0, 5}, {5, 6}}) {
    Trusting net;
    const auto i = net.add_initiator(1, {{2, at_i}});
    const auto r = net.add_responder(2, {{1, at_r}});
    net.start(r, i);
    net.expect_refused(i, r);
    EXPECT_GT(net.notices(r, NoticeKind::psk_mismatch), 0U);
    EXPECT_TRUE(net.endpoint(r).links().empty());
  }
  Pair net({}, 5);
  net.up();
  expect_works(net, net.i, net.r);
}

TEST(Trust, TopicsMustBeTheSameOnBothSides) {
  Pair net;
  net.options(net.i).topics = test_topics("up", "elsewhere");
  net.restart(net.i);
  net.online(net.r);
  net.run_for(1min);
  EXPECT_EQ(net.link(net.i, net.r), nullptr);
  EXPECT_GT(net.notices(net.r, NoticeKind::unverified), 0U);
}

TEST(Trust, FirstUsePinsOnProofAndOnlyOne) {
  Trusting net;
  const auto i = net.add_initiator(1, {}, 0);
  const auto r = net.add_responder(2, {}, 0);
  net.tap = [](const Network::Frame& frame) { return frame.bytes[0] < 4; };
  net.online(r);
  net.online(i);
  net.run();
  EXPECT_TRUE(net.all<Pinned>(i).empty() && net.all<Pinned>(r).empty()) << "before KEYACK";
  net.tap = [](const Network::Frame& frame) { return frame.bytes[0] < 5; };
  net.run_for(5s);
  ASSERT_EQ(net.all<Pinned>(r).size(), 1U) << "at KEYACK";
  EXPECT_EQ(net.all<Pinned>(r)[0].peer, net.key(i));
  EXPECT_TRUE(net.all<Pinned>(i).empty()) << "before CONFIRM";
  net.tap = {};
  net.run_for(30s);
  ASSERT_EQ(net.all<Pinned>(i).size(), 1U) << "at CONFIRM";
  EXPECT_EQ(net.all<Pinned>(i)[0].peer, net.key(r));
  expect_works(net, i, r);

  const auto stranger = net.add_initiator(3, {{2}});
  net.online(stranger);
  net.run_for(2min);
  EXPECT_EQ(net.link(stranger, r), nullptr);
  EXPECT_GT(net.notices(r, NoticeKind::untrusted), 0U);
  EXPECT_EQ(net.all<Pinned>(r).size(), 1U);
  expect_works(net, i, r);
}

TEST(Trust, WhatAPinnedPeerSaysComesAfterThePin) {
  Trusting net;
  const auto i = net.add_initiator(1, {}, 0);
  const auto r = net.add_responder(2, {}, 0);
  net.start(r, i);
  for (const auto node : {i, r}) {
    ASSERT_GE(net.events(node).size(), 2U);
    EXPECT_TRUE(std::holds_alternative<Pinned>(net.events(node)[0]));
    EXPECT_TRUE(std::holds_alternative<Up>(net.events(node)[1]));
  }
}

TEST(Trust, TwoAtOnceOnFirstUsePinOne) {
  Trusting net;
  const auto r = net.add_responder(9, {}, 0);
  const auto a = net.add_initiator(1, {{9}});
  const auto b = net.add_initiator(2, {{9}});
  net.online(a);
  net.online(b);
  net.online(r);
  net.run_for(5min);
  EXPECT_EQ(net.all<Pinned>(r).size(), 1U);
  EXPECT_EQ(net.endpoint(r).links().size(), 1U);
  EXPECT_NE(net.link(a, r) == nullptr, net.link(b, r) == nullptr);
}

TEST(Trust, FirstUseNeedsThePsk) {
  Trusting net;
  const auto i = net.add_initiator(1, {}, 4);
  const auto r = net.add_responder(2, {}, 5);
  net.start(r, i);
  EXPECT_TRUE(net.all<Pinned>(i).empty());
  EXPECT_TRUE(net.all<Pinned>(r).empty());
  EXPECT_GT(net.notices(r, NoticeKind::psk_mismatch), 0U);
}

TEST(Trust, AChangedKeyIsRefusedAfterFirstUse) {
  Trusting net;
  const auto i = net.add_initiator(1, {}, 0);
  const auto r = net.add_responder(2, {}, 0);
  net.start(r, i);
  ASSERT_EQ(net.all<Pinned>(i).size(), 1U);
  net.options(r).identity = 7;
  net.restart(r);
  net.run_for(5min);
  EXPECT_GT(net.notices(i, NoticeKind::untrusted), 0U);
  EXPECT_EQ(net.all<Pinned>(i).size(), 1U);
  EXPECT_EQ(net.link(i, r), nullptr);
}

// A third party with keys of its own sits between two that know each other.
TEST(Trust, AManInTheMiddleGetsNowhere) {
  Trusting left, right;
  const auto i = left.add_initiator(1, {{2}});
  const auto mallory_r = left.add_responder(66, {{1}});
  const auto mallory_i = right.add_initiator(66, {{2}});
  const auto r = right.add_responder(2, {{1}});
  left.start(mallory_r, i);
  right.start(r, mallory_i);
  left.expect_refused(i, mallory_r);
  right.expect_refused(mallory_i, r);
  EXPECT_GT(left.notices(i, NoticeKind::untrusted), 0U);
  EXPECT_GT(right.notices(r, NoticeKind::untrusted), 0U);
  EXPECT_TRUE(right.endpoint(r).links().empty());
}

TEST(Trust, AManInTheMiddleOfFirstUseIsNotPinnedWithoutThePsk) {
  Trusting net;
  const auto i = net.add_initiator(1, {}, 4);
  const auto mallory = net.add_responder(66, {}, 0);
  net.start(mallory, i);
  EXPECT_TRUE(net.all<Pinned>(i).empty());
  net.offline(mallory);
  const auto r = net.add_responder(2, {}, 4);
  net.online(r);
  net.run_for(2min);
  ASSERT_EQ(net.all<Pinned>(i).size(), 1U);
  EXPECT_EQ(net.all<Pinned>(i)[0].peer, net.key(r));
}

TEST(Trust, TwoOfARoleAreNoticed) {
  Pair a, b;
  a.online(a.i);
  b.online(b.i);
  const Bytes init_req = frame_of(a, FrameType::init_req);
  b.inject(b.i, init_req);
  EXPECT_EQ(b.notices(b.i, NoticeKind::same_role), 1U);
  a.online(a.r);
  b.inject(b.r, frame_of(a, FrameType::hello));
  EXPECT_EQ(b.notices(b.r, NoticeKind::same_role), 1U);
}

// --- Bounds --------------------------------------------------------------------------------------

Bytes random_init_req(Random& random) {
  InitReq frame{random_session_index(random), {}};
  random.fill(frame.message_1);
  const auto ephemeral = crypto::KeyPair::generate(random).public_key;
  std::ranges::copy(ephemeral.bytes, frame.message_1.begin());
  return encode(frame);
}

TEST(Bounds, AFloodCostsNoMoreThanTheBucketAndEndsWithTheFlood) {
  Pair net;
  net.online(net.r);
  // Requests of a stranger with another identity verify: message 1 proves nothing.
  Pair stranger;
  crypto::SeededRandom random(5);
  std::vector<Bytes> flood;
  for (int n = 0; n < 5000; ++n) {
    stranger.recorded.clear();
    stranger.restart(stranger.i);
    flood.push_back(frame_of(stranger, FrameType::init_req));
  }
  net.recorded.clear();
  net.online(net.i);
  for (const auto& frame : flood) {
    net.inject(net.r, frame);
    net.run();
    net.now += 1ms;  // 1000 a second, for 5 s
    net.advance_due();
  }
  EXPECT_LE(frames_of(net, FrameType::init_ack), 20U + 5 * 10 + 10);
  net.run_for(1min);
  EXPECT_TRUE(net.is_up());
  expect_works(net, net.i, net.r);
}

TEST(Bounds, AFloodOfGarbageRequestsIsRefused) {
  Pair net;
  net.online(net.r);
  crypto::SeededRandom random(5);
  for (int n = 0; n < 1000; ++n) net.inject(net.r, random_init_req(random));
  EXPECT_LE(net.notices(net.r, NoticeKind::unverified), 20U);
  EXPECT_EQ(frames_of(net, FrameType::init_ack), 0U);
  net.online(net.i);
  net.run_for(1min);
  EXPECT_TRUE(net.is_up());
}

TEST(Bounds, UnknownSessionsAreAnsweredAFewTimesOnly) {
  Pair net;
  net.online(net.r);
  for (std::uint8_t n = 0; n < 200; ++n) {
    Bytes frame{5, 0, 0, 1, n, 0};
    frame.resize(30);
    net.inject(net.r, frame);
  }
  EXPECT_LE(frames_of(net, FrameType::hello), 1U + 5);
}

TEST(Bounds, ManyPeersAtOneResponder) {
  Network net;
  std::vector<NodeOptions::Known> known;
  for (std::uint64_t n = 1; n <= 30; ++n) known.push_back({n});
  const auto r = net.add({.role = noise::Role::responder, .identity = 99, .peers = known});
  std::vector<Network::Node> initiators;
  for (std::uint64_t n = 1; n <= 30; ++n) {
    initiators.push_back(net.add({.identity = n, .peers = {{99}}}));
    net.online(initiators.back());
  }
  net.online(r);
  net.run_for(2min);
  EXPECT_EQ(net.endpoint(r).links().size(), 30U);
  for (const auto i : initiators) {
    ASSERT_TRUE(net.send(i, r, "from " + std::to_string(i)));
    ASSERT_TRUE(net.send(r, i, "to " + std::to_string(i)));
  }
  net.run_for(1s);
  EXPECT_EQ(net.received(r).size(), 30U);
  for (const auto i : initiators) EXPECT_EQ(net.received(i), Texts{"to " + std::to_string(i)});
  for (const auto& delivered : net.all<Delivered>(r)) {
    const std::string text(as_text(delivered.message));
    EXPECT_EQ(net.key(std::stoul(text.substr(5))), delivered.peer);
  }
}

// --- Nudges --------------------------------------------------------------------------------------

TEST(Nudge, ForgedHellosBackOff) {
  Pair net;
  net.up();
  net.recorded.clear();
  for (int second = 0; second < 3600; ++second) {
    net.inject(net.i, encode(Hello{net.link(net.i, net.r)->current()->remote()}));
    net.run_for(1s);
  }
  // 1 + 2 + 4 + ... seconds: a dozen in an hour.
  EXPECT_LE(frames_of(net, FrameType::init_req), 13U);
  EXPECT_GT(frames_of(net, FrameType::init_req), 5U);
  expect_works(net, net.i, net.r);
}

TEST(Nudge, HelloForAnotherSessionIsIgnored) {
  Pair net;
  net.up();
  net.recorded.clear();
  net.inject(net.i, encode(Hello{{net.link(net.i, net.r)->current()->remote().value + 1}}));
  EXPECT_TRUE(net.recorded.empty());
}

TEST(Nudge, AResponderThatComesOnlineIsPingedNotReplaced) {
  Pair net;
  net.up();
  const auto* session = net.link(net.i, net.r)->current();
  net.offline(net.r);
  net.online(net.r);
  net.run_for(1s);
  EXPECT_EQ(net.link(net.i, net.r)->current(), session);
}

TEST(Nudge, ARestartedResponderIsFoundAtOnceEveryTime) {
  Pair net;
  net.up();
  for (int round = 0; round < 20; ++round) {
    net.restart(net.r);
    net.run_for(3s);
    EXPECT_TRUE(net.is_up()) << round;
    net.run_for(10s);
  }
}

TEST(Nudge, AResponderThatWasAwayLongIsFoundAtOnce) {
  Pair net;
  net.up();
  net.offline(net.r);
  net.run_for(1h);
  net.restart(net.r);
  net.run_for(1s);
  EXPECT_TRUE(net.is_up());
}

}  // namespace
}  // namespace sts::protocol
