// Messages over a line that loses nothing.
#include <gtest/gtest.h>

#include <set>

#include "protocol/network_for_tests.h"

namespace sts::protocol {
namespace {

TEST(Data, ArrivesInOrderOnceByteForByte) {
  Pair net;
  net.up();
  std::string all_bytes;
  for (int byte = 0; byte < 256; ++byte) all_bytes.push_back(static_cast<char>(byte));
  const Texts messages{"one", "", "two", all_bytes, std::string(1U << 20U, 'x'), "", "three"};
  for (const auto& text : messages) {
    ASSERT_TRUE(net.send(net.i, net.r, text));
    ASSERT_TRUE(net.send(net.r, net.i, text));
  }
  net.run_for(1s);
  EXPECT_EQ(net.received(net.r), messages);
  EXPECT_EQ(net.received(net.i), messages);
  EXPECT_TRUE(net.all_acknowledged());
}

TEST(Data, MessagesThatWaitShareFrames) {
  Pair net;
  net.up();
  net.offline(net.i);
  for (const auto& text : numbered(1000)) ASSERT_TRUE(net.send(net.i, net.r, text));
  net.recorded.clear();
  net.online(net.i);
  const auto frames = std::ranges::count_if(net.recorded, is_enc);
  EXPECT_LE(frames, 3);
  net.run_for(1s);
  EXPECT_EQ(net.received(net.r), numbered(1000));
}

TEST(Data, StaysWithinTheLargestFrameOfTheBroker) {
  Pair net;
  net.max_frame = 300;
  net.up();
  EXPECT_EQ(net.send(net.i, net.r, std::string(300, 'x')).error().code, Errc::refused);
  net.offline(net.i);
  for (int n = 0; n < 100; ++n) ASSERT_TRUE(net.send(net.i, net.r, std::string(20, 'x')));
  EXPECT_TRUE(net.send(net.i, net.r, std::string(200, 'y'))) << "also while offline";
  net.online(net.i);
  net.run_for(1s);
  EXPECT_EQ(net.received(net.r).size(), 101U);
  for (const auto& frame : net.recorded) EXPECT_LE(frame.bytes.size(), 300U);
}

TEST(Data, PaddingHidesSizesAndStaysWithinTheLargestFrame) {
  for (const auto pad : {Pad::to_16, Pad::padme}) {
    Limits limits;
    limits.pad = pad;
    Pair net(limits);
    net.max_frame = 1000;
    net.up();
    std::set<std::size_t> sizes;
    std::size_t count = 0;
    for (std::size_t size = 0; net.send(net.i, net.r, std::string(size, 'x')); ++size, ++count) {
      net.run_for(1s);
    }
    EXPECT_GT(count, 900U);
    ASSERT_EQ(net.received(net.r).size(), count);
    for (std::size_t n = 0; n < count; ++n) ASSERT_EQ(net.received(net.r)[n].size(), n);
    for (const auto& frame : net.recorded) {
      EXPECT_LE(frame.bytes.size(), 1000U);
      if (frame.messages) sizes.insert(frame.bytes.size());
    }
    EXPECT_LT(sizes.size(), 150U);
  }
}

TEST(Data, AReflectedFrameIsDropped) {
  Pair net;
  net.up();
  ASSERT_TRUE(net.send(net.i, net.r, "hi"));
  const auto frame = net.recorded.back();
  ASSERT_EQ(frame.from, net.i);
  net.inject(net.i, frame.bytes);
  net.run_for(1s);
  EXPECT_EQ(net.received(net.i), Texts{});
  EXPECT_EQ(net.received(net.r), Texts{"hi"});
}

TEST(Data, ForgedFramesDoNotKillTheSession) {
  Pair net;
  net.up();
  net.tap = [&](Network::Frame& frame) {
    Network::Frame forged = frame;
    forged.bytes.back() ^= 1;
    net.queue.push_back(std::move(forged));
    return true;
  };
  for (const auto& text : numbered(50)) {
    ASSERT_TRUE(net.send(net.i, net.r, text));
    net.run_for(1s);
  }
  EXPECT_EQ(net.received(net.r), numbered(50));
  EXPECT_GT(net.notices(net.r, NoticeKind::forged), 0U);
  EXPECT_EQ(net.all<Up>(net.r).size(), 1U);
}

TEST(Data, AFullBufferRefusesAndHasRoomLater) {
  Pair net;
  net.up();
  net.offline(net.i);
  std::size_t accepted = 0;
  while (net.send(net.i, net.r, std::to_string(accepted))) ++accepted;
  EXPECT_EQ(accepted, send_buffer_messages);
  EXPECT_EQ(net.send(net.i, net.r, "more").error().code, Errc::limit);
  net.online(net.i);
  net.run_for(1s);
  EXPECT_TRUE(net.send(net.i, net.r, "more"));
  net.run_for(1s);
  EXPECT_EQ(net.received(net.r).size(), accepted + 1);
}

}  // namespace
}  // namespace sts::protocol
