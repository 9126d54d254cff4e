// What strangers can make a side do, and what makes an initiator handshake again.
#include <gtest/gtest.h>

#include "protocol/strangers_for_tests.h"

namespace sts::protocol {
namespace {

Bytes random_init_req(Random& random) {
  InitReq frame{};
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
  EXPECT_LE(frames_of(net, FrameType::init_ack),
            static_cast<std::size_t>(dh_burst + 5s / dh_interval + 10));
  net.run_for(1min);
  EXPECT_TRUE(net.is_up());
  expect_works(net, net.i, net.r);
}

TEST(Bounds, AFloodOfGarbageRequestsIsRefused) {
  Pair net;
  net.online(net.r);
  crypto::SeededRandom random(5);
  for (int n = 0; n < 1000; ++n) net.inject(net.r, random_init_req(random));
  EXPECT_EQ(net.notices(net.r, NoticeKind::unverified), 1000U);
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

struct Buckets : Pair {
  crypto::SeededRandom random{5};
  std::optional<Bytes> key_ack;  // withheld

  Buckets() {
    tap = [this](const Frame& frame) {
      if (is(frame, FrameType::key_ack)) key_ack = frame.bytes;
      return !is(frame, FrameType::key_ack);
    };
    online(r);
    online(i);
    run();
    recorded.clear();
  }
};

TEST(Bounds, AFloodOfRequestsLeavesKeyAcksTheirs) {
  Buckets net;
  for (int n = 0; n < 2 * dh_burst; ++n) net.inject(net.r, stranger_request(net.random));
  ASSERT_LT(frames_of(net, FrameType::init_ack), 2U * dh_burst);
  net.inject(net.r, *net.key_ack);
  EXPECT_NE(net.link(net.r, net.i), nullptr);
}

TEST(Bounds, AFloodOfKeyAcksLeavesRequestsTheirs) {
  Buckets net;
  for (int n = 0; n < 2 * dh_burst; ++n) net.inject(net.r, forged(*net.key_ack, net.random));
  ASSERT_EQ(net.notices(net.r, NoticeKind::psk_mismatch), static_cast<std::size_t>(dh_burst));
  net.inject(net.r, stranger_request(net.random));
  EXPECT_EQ(frames_of(net, FrameType::init_ack), 1U);
}

TEST(Bounds, HelloAndRepeatsDoNotUseEachOtherUp) {
  for (const bool repeats_first : {true, false}) {
    Buckets net;
    const Bytes request = stranger_request(net.random);
    net.inject(net.r, request);
    net.run_for(10s);  // HELLO was sent once
    net.recorded.clear();
    const auto repeat = [&] {
      for (int n = 0; n < 2 * hello_burst; ++n) net.inject(net.r, request);
    };
    if (repeats_first) repeat();
    for (int n = 0; n < 2 * hello_burst; ++n) {
      net.inject(net.r,
                 encode(KeyAck{{static_cast<std::uint32_t>(n + 1)}, Bytes(message_3_min_size)}));
    }
    if (!repeats_first) repeat();
    EXPECT_EQ(frames_of(net, FrameType::hello), static_cast<std::size_t>(hello_burst));
    EXPECT_EQ(frames_of(net, FrameType::init_ack), static_cast<std::size_t>(hello_burst));
  }
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
