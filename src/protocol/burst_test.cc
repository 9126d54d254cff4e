// Many messages at once: when they leave, and how many frames they make.
#include <gtest/gtest.h>

#include <random>

#include "protocol/network_for_tests.h"

namespace sts::protocol {
namespace {

// Around the messages of a frame: header, tag, ACK, RESENT.
constexpr std::size_t around = 96;

/// A session whose broker answers nothing unless it is told to.
struct Burst : Pair {
  explicit Burst(const Limits& limits = {}) : Pair(limits) { answers = false; }

  void send_all(const Texts& texts) {
    for (const auto& text : texts) ASSERT_TRUE(send(i, r, text));
  }
  std::size_t frames() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        recorded, [](const auto& frame) { return frame.messages.has_value(); }));
  }
};

Texts lines(int count, std::size_t size) {
  Texts out = numbered(count);
  for (auto& text : out) text.resize(std::max(text.size(), size), '.');
  return out;
}

TEST(Burst, AFewMessagesLeaveAtOnceEach) {
  Burst net;
  net.up();
  for (std::size_t n = 1; n <= frames_unanswered; ++n) {
    ASSERT_TRUE(net.send(net.i, net.r, "now"));
    EXPECT_EQ(net.frames(), n);
  }
}

TEST(Burst, MoreWaitForAnAnswerAndShareAFrame) {
  Burst net;
  net.up();
  const auto texts = numbered(frames_unanswered + 10);
  net.send_all(texts);
  EXPECT_EQ(net.frames(), frames_unanswered);
  net.answer_front();
  EXPECT_EQ(net.frames(), frames_unanswered + 1);
  net.run();
  EXPECT_EQ(net.received(net.r), texts);
}

TEST(Burst, WhatFillsAFrameDoesNotWait) {
  Burst net;
  net.up();
  net.send_all(lines(2000, 100));
  constexpr std::size_t filled = std::size_t{2000} * 100 / pack_bytes;
  EXPECT_GE(net.frames(), filled);
  EXPECT_LE(net.frames(), frames_unanswered + filled + 1);
  net.answer_all();
  net.run();
  EXPECT_EQ(net.received(net.r), lines(2000, 100));
}

TEST(Burst, NoFrameIsOverTheBounds) {
  for (const std::size_t max_frame : {std::size_t{1000}, SIZE_MAX}) {
    Burst net;
    net.max_frame = max_frame;
    net.up();
    Texts texts;
    for (std::size_t n = 0; n < 4000; ++n) texts.emplace_back(n * 37 % 400, 'x');
    net.send_all(texts);
    net.answers = true;
    net.answer_all();
    net.run_for(10s);
    EXPECT_EQ(net.received(net.r), texts);
    for (const auto& frame : net.recorded) {
      EXPECT_LE(frame.bytes.size(), std::min(max_frame, pack_bytes + around));
    }
  }
}

TEST(Burst, EmptyMessagesShareAFrameToo) {
  Burst net;
  net.up();
  const Texts texts(send_buffer_messages);
  net.send_all(texts);
  net.answers = true;
  net.answer_all();
  net.run_for(1s);
  EXPECT_EQ(net.received(net.r), texts);
  EXPECT_EQ(net.notices(net.r, NoticeKind::malformed), 0U);
  EXPECT_LE(net.frames(), frames_unanswered + 1);
}

TEST(Burst, WhatThePeerAcknowledgedTheBrokerHasTaken) {
  Burst net;
  net.up();
  const auto texts = numbered(100);
  net.send_all(texts);
  net.run_for(1s);
  EXPECT_EQ(net.received(net.r), texts);
}

TEST(Burst, ANewConnectionOwesNoAnswers) {
  Burst net;
  net.up();
  net.send_all(numbered(frames_unanswered + 10));
  net.offline(net.i);
  net.online(net.i);
  EXPECT_EQ(net.frames(), frames_unanswered + 1);
}

TEST(Burst, ARefusedFrameIsAnswered) {
  Burst net;
  net.up();
  net.send_all(numbered(frames_unanswered + 10));
  const auto refused = net.unanswered;
  net.unanswered.clear();
  for (const auto& it : refused) net.publish_failed(it.from, it.messages);
  net.answer_front();  // what says that nothing is left of them
  net.run();
  EXPECT_EQ(net.received(net.r).back(), std::to_string(frames_unanswered + 9));
}

TEST(Burst, ItsEndComesAfterIt) {
  Burst net;
  net.up();
  net.send_all(numbered(100));
  net.kill(net.i, net.r);
  net.answers = true;
  net.answer_all();
  net.run_for(1s);
  EXPECT_EQ(net.received(net.r), numbered(100));
  EXPECT_EQ(net.all<Finished>(net.i).size(), 1U);
}

TEST(Burst, AFullBufferIsAcknowledgedWithoutDelay) {
  for (const auto& texts : {lines(send_buffer_messages, 100), lines(16, send_buffer_bytes / 16)}) {
    Burst net;
    net.answers = true;
    net.up();
    net.send_all(texts);
    ASSERT_TRUE(net.link(net.i, net.r)->full());
    net.run();  // no time passes
    EXPECT_EQ(net.received(net.r), texts);
    EXPECT_LT(net.link(net.i, net.r)->unacknowledged(), texts.size() / 4);
  }
}

TEST(Burst, ThroughRekeysAndLossArrivesWholeInOrder) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Burst net(rekeying_every(16));
    net.up();
    net.tap = [&](auto&) { return random() % 4 != 0; };
    Texts texts;
    for (int burst = 0; burst < 40; ++burst) {
      for (int n = 0; n < 60; ++n) {
        texts.push_back(std::to_string(burst) + "." + std::to_string(n));
        ASSERT_TRUE(net.send(net.i, net.r, texts.back()));
      }
      net.answer_front();
      net.run_for(100ms);
    }
    net.tap = {};
    net.answers = true;
    net.answer_all();
    net.run_for(2min);
    EXPECT_EQ(net.received(net.r), texts);
    EXPECT_TRUE(net.all_acknowledged());
    EXPECT_GT(net.all<Up>(net.i).size(), 1U) << "no rekey took place";
  }
}

}  // namespace
}  // namespace sts::protocol
