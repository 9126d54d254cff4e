// Strangers who use every budget up can't keep a running session from new keys.
#include <gtest/gtest.h>

#include "protocol/strangers_for_tests.h"

namespace sts::protocol {
namespace {

/// A pair with a stranger who is always faster: before each handshake frame of the type it is aimed
/// at, forgeries that cost a Diffie-Hellman arrive, more than the budgets hold.
struct Besieged : Pair {
  explicit Besieged(FrameType at) : Pair(by_the_minute()) {
    up();
    tap = [this, at](const Frame& frame) {
      if (is(frame, at)) besiege(*this, frame, random);
      return true;
    };
  }

  static Limits by_the_minute() {
    Limits limits;
    limits.rekey_after_time = 1min;
    return limits;
  }

  crypto::SeededRandom random{5};
};

void expect_new_keys_by_the_minute(FrameType under_siege) {
  Besieged net(under_siege);
  for (std::size_t minute = 1; minute <= 5; ++minute) {
    net.run_for(1min + 1s);
    EXPECT_EQ(net.all<Up>(net.i).size(), 1 + minute);
    EXPECT_EQ(net.all<Up>(net.r).size(), 1 + minute);
  }
  net.tap = {};
  expect_works(net, net.i, net.r);
}

TEST(Renewal, GetsThroughAFloodOfRequests) { expect_new_keys_by_the_minute(FrameType::init_req); }

TEST(Renewal, GetsThroughAFloodOfAnswers) { expect_new_keys_by_the_minute(FrameType::init_ack); }

TEST(Renewal, GetsThroughAFloodOfKeyAcks) { expect_new_keys_by_the_minute(FrameType::key_ack); }

TEST(Renewal, AForgedHelloDoesNotUndoIt) {
  Besieged net(FrameType::init_ack);
  net.recorded.clear();
  net.tap = [&net, siege = net.tap](Network::Frame& frame) {
    // It comes before the answer, as if the responder knew neither the session nor the handshake.
    const auto says_unknown = [&net](SessionIndex index) {
      net.queue.push_back({net.r, net.i, encode(Hello{index})});
    };
    const auto decoded = *decode(frame.bytes);
    if (std::holds_alternative<InitReq>(decoded)) {
      says_unknown(net.link(net.i, net.r)->current()->remote());
    }
    if (const auto* it = std::get_if<KeyAck>(&decoded)) says_unknown(it->receiver);
    return siege(frame);
  };
  net.run_for(1min);
  EXPECT_EQ(frames_of(net, FrameType::init_req), 1U);
  EXPECT_EQ(net.all<Up>(net.i).size(), 2U);
}

TEST(Renewal, RepeatsGetThroughToo) {
  for (const auto type : {FrameType::init_req, FrameType::key_ack}) {
    SCOPED_TRACE(int(type));
    Besieged net(type);
    const Bytes stranger = stranger_request(net.random);
    net.inject(net.r, stranger);
    int tries = 0;
    net.tap = [&](const Network::Frame& frame) {
      // The first answer is lost; the answers to repeats go to the stranger.
      if (frame.from == net.r) return tries != 1;
      if (!is(frame, type)) return true;
      ++tries;
      for (int n = 0; n < 2 * hello_burst; ++n) net.queue.push_back({net.i, net.r, stranger});
      return true;
    };
    net.run_for(1min + 3s);
    EXPECT_EQ(tries, 2);
    EXPECT_EQ(net.all<Up>(net.i).size(), 2U);
  }
}

TEST(Renewal, IsNotPushedOutByStrangers) {
  Besieged net(FrameType::hello);
  net.run_for(1min - 1s);
  net.recorded.clear();
  net.tap = [](const Network::Frame& frame) { return !is(frame, FrameType::key_ack); };
  net.run_for(1s);
  for (int n = 0; n < 120; ++n) {
    for (int k = 0; k < 5; ++k) net.inject(net.r, stranger_request(net.random));
    net.run_for(50ms);
  }
  ASSERT_GT(frames_of(net, FrameType::init_ack), pending_handshakes);
  net.tap = {};
  net.run_for(10s);
  EXPECT_EQ(net.all<Up>(net.i).size(), 2U);
  EXPECT_EQ(frames_of(net, FrameType::init_req), 1U);
}

TEST(Renewal, AVouchCountsOnce) {
  Besieged net(FrameType::hello);
  net.recorded.clear();
  net.tap = [](const Network::Frame& frame) { return !is(frame, FrameType::init_ack); };
  net.run_for(1min);
  const Bytes init_req = frame_of(net, FrameType::init_req);
  for (int n = 0; n < 100; ++n) net.inject(net.r, init_req);
  EXPECT_EQ(frames_of(net, FrameType::init_ack), 1U + hello_burst);
}

TEST(Renewal, AVouchIsForOneFrame) {
  Besieged net(FrameType::init_req);
  // What is vouched for is another frame than what comes.
  net.tap = [&, tap = net.tap](Network::Frame& frame) {
    if (is(frame, FrameType::init_req)) {
      tap(frame);
      frame.bytes = stranger_request(net.random);
    }
    return true;
  };
  net.recorded.clear();
  net.run_for(1min);
  EXPECT_EQ(frames_of(net, FrameType::init_ack), static_cast<std::size_t>(dh_burst));
}

}  // namespace
}  // namespace sts::protocol
