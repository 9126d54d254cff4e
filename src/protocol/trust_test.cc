// Who may speak: pinned keys, PSKs, first use, and those who stand between.
#include <gtest/gtest.h>

#include "protocol/network_for_tests.h"

namespace sts::protocol {
namespace {

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

// With a copy of its key, who starts a handshake need not notice.
TEST(Trust, AResponderOfFirstUseDoesNotPinItself) {
  Trusting net;
  const auto r = net.add_responder(1, {}, 0);
  net.add_initiator(2, {});  // so that what the responder sends is recorded
  net.online(r);
  const auto own = key_pair(1);
  const auto psk = test_psk(0);
  crypto::SeededRandom random(3);
  noise::HandshakeState::Known known;
  known.local_static = &own;
  known.psk = [&](const crypto::PublicKey*) { return &psk; };
  noise::HandshakeState handshake(noise::XXpsk3, noise::Role::initiator, prologue(test_topics()),
                                  std::move(known));
  InitReq request{};
  std::ranges::copy(*handshake.write_message(Bytes(4, 7), random), request.message_1.begin());
  net.inject(r, encode(request));
  const Bytes bytes = frame_of(net, FrameType::init_ack);
  const auto remote = handshake.read_message(std::get<InitAck>(*decode(bytes)).message_2);
  ASSERT_TRUE(remote);
  const auto message_3 = handshake.write_message({}, random);
  ASSERT_TRUE(message_3);
  net.inject(r, encode(KeyAck{*decode_index(*remote), *message_3}));
  EXPECT_EQ(net.notices(r, NoticeKind::own_key), 1U);
  EXPECT_TRUE(net.all<Pinned>(r).empty());
  EXPECT_TRUE(net.endpoint(r).links().empty());
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

}  // namespace
}  // namespace sts::protocol
