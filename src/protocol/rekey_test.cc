// New keys under traffic; what becomes of the old ones.
#include <gtest/gtest.h>

#include <map>

#include "protocol/network_for_tests.h"

namespace sts::protocol {
namespace {

TEST(Rekey, HappensByTheHourAndLosesNothing) {
  Pair net;
  net.up();
  for (int minute = 0; minute < 200; ++minute) {
    ASSERT_TRUE(net.send(net.i, net.r, std::to_string(minute)));
    ASSERT_TRUE(net.send(net.r, net.i, std::to_string(minute)));
    net.run_for(1min);
  }
  EXPECT_EQ(net.received(net.r), numbered(200));
  EXPECT_EQ(net.received(net.i), numbered(200));
  EXPECT_EQ(net.all<Up>(net.i).size(), 4U);
  EXPECT_TRUE(net.all<Up>(net.i)[3].renewed);
}

TEST(Rekey, ATinyLimitDoesNotSpin) {
  Pair net(rekeying_every(1));
  net.up();
  net.run_for(1min);
  EXPECT_EQ(net.all<Up>(net.i).size(), 1U);
}

TEST(Rekey, UnderTrafficLosesNothing) {
  for (const bool with_loss : {false, true}) {
    Pair net(rekeying_every(30));
    net.up();
    std::size_t n = 0;
    if (with_loss) net.tap = [&n](auto&) { return ++n % 5 != 0; };
    for (int i = 0; i < 1000; ++i) {
      ASSERT_TRUE(net.send(net.i, net.r, std::to_string(i)));
      ASSERT_TRUE(net.send(net.r, net.i, std::to_string(i)));
      // Frames of both sessions cross on the way.
      for (int k = 0; k < 2 && !net.queue.empty(); ++k) net.deliver_front();
      if (i % 10 == 0) net.run_for(20ms);
    }
    net.tap = {};
    net.run_for(3min);
    EXPECT_EQ(net.received(net.r), numbered(1000));
    EXPECT_EQ(net.received(net.i), numbered(1000));
    EXPECT_GT(net.all<Up>(net.i).size(), 3U);
    EXPECT_TRUE(net.all_acknowledged());
  }
}

TEST(Rekey, TheOldKeysGoWhenTheirLastFrameArrived) {
  Pair net;
  net.up();
  const SessionIndex at_i = net.link(net.i, net.r)->current()->local();
  const SessionIndex at_r = net.link(net.r, net.i)->current()->local();
  net.run_for(1h + 1s);
  ASSERT_EQ(net.all<Up>(net.i).size(), 2U);
  EXPECT_FALSE(net.link(net.i, net.r)->owns(at_i));
  EXPECT_FALSE(net.link(net.r, net.i)->owns(at_r));
}

TEST(Rekey, TheOldKeysLingerForWhatIsMissing) {
  Pair net;
  net.up();
  const SessionIndex at_r = net.link(net.r, net.i)->current()->local();
  net.run_for(1h - 1s);
  std::vector<Network::Frame> withheld;
  net.tap = [&](Network::Frame& frame) {
    if (frame.from != net.i || !is_enc(frame)) return true;
    withheld.push_back(frame);
    return false;
  };
  ASSERT_TRUE(net.send(net.i, net.r, "late"));
  net.run_for(2s);
  ASSERT_EQ(net.all<Up>(net.i).size(), 2U);
  EXPECT_TRUE(net.link(net.r, net.i)->owns(at_r));
  net.deliver(withheld.at(0));
  EXPECT_EQ(net.received(net.r), Texts{"late"}) << "under the old keys";
  // As long as the initiator wasn't heard in the new session it may not have it.
  net.run_for(2 * old_session_linger);
  EXPECT_TRUE(net.link(net.r, net.i)->owns(at_r));
  net.tap = [&](const Network::Frame& frame) {
    return std::ranges::none_of(withheld, [&](const auto& it) { return it.bytes == frame.bytes; });
  };
  ASSERT_TRUE(net.send(net.i, net.r, "under the new keys"));
  net.run_for(1s);
  EXPECT_TRUE(net.link(net.r, net.i)->owns(at_r)) << "END is missing";
  net.run_for(old_session_linger);
  EXPECT_FALSE(net.link(net.r, net.i)->owns(at_r));
}

TEST(Rekey, TheOldKeysGoAtLastWhenTheyAreUsedUp) {
  Pair net;
  net.up();
  const SessionIndex at_r = net.link(net.r, net.i)->current()->local();
  net.tap = [&](const Network::Frame& frame) { return frame.from == net.r || !is_enc(frame); };
  net.run_for(reject_after_time - 2s);
  ASSERT_EQ(net.all<Up>(net.r).size(), 2U);
  EXPECT_TRUE(net.link(net.r, net.i)->owns(at_r));
  net.run_for(2s);
  EXPECT_FALSE(net.link(net.r, net.i)->owns(at_r));
}

TEST(Rekey, WhatBeginsAGenerationAndFindsNoRoomComesAgain) {
  Pair net;
  net.up();
  net.run_for(1h - 1s);
  // The second waits for the first, and fills so much that the fourth finds no room. The third
  // comes after the fourth, which was sent again meanwhile.
  const Texts texts{"first", std::string(send_buffer_bytes - 100, '2'), "third",
                    std::string(send_buffer_bytes, '4')};
  bool key_ack = false;
  std::map<std::uint64_t, int> tries;  // of each entry
  net.tap = [&](const Network::Frame& frame) {
    if (frame.from == net.r) return key_ack || !is_enc(frame);
    key_ack = key_ack || frame.bytes[0] == static_cast<std::uint8_t>(FrameType::key_ack);
    if (!frame.messages) return true;
    const int tried = ++tries[frame.messages->entry];
    const auto nth = std::distance(tries.begin(), tries.find(frame.messages->entry));
    return !(nth == 0 && tried == 1) && !(nth == 2 && tried <= 2);
  };
  for (std::size_t n = 0; n < 3; ++n) ASSERT_TRUE(net.send(net.i, net.r, texts[n]));
  net.run();
  net.now = net.next_deadline();
  while (net.all<Up>(net.i).size() < 2) {
    net.advance_due();
    if (net.queue.empty())
      net.now = net.next_deadline();
    else
      net.deliver_front();
  }
  ASSERT_TRUE(net.send(net.i, net.r, texts[3]));
  net.kill(net.i, net.r);
  net.run_for(1min);
  EXPECT_EQ(tries.size(), 5U);
  EXPECT_TRUE(net.received(net.r) == texts);
  EXPECT_EQ(net.all<Finished>(net.i).size(), 1U);
}

TEST(Rekey, UsedUpKeysSendNothingUntilRenewed) {
  Pair net;
  net.up();
  // Handshakes get nowhere.
  net.tap = [](const Network::Frame& frame) { return is_enc(frame); };
  net.run_for(2h + 1min);
  ASSERT_TRUE(net.send(net.i, net.r, "waits"));
  ASSERT_TRUE(net.send(net.r, net.i, "waits too"));
  net.recorded.clear();
  net.run_for(10min);
  EXPECT_EQ(net.notices(net.i, NoticeKind::used_up), 1U);
  EXPECT_EQ(net.notices(net.r, NoticeKind::used_up), 1U);
  EXPECT_EQ(std::ranges::count_if(net.recorded, is_enc), 0);
  EXPECT_EQ(net.received(net.r), Texts{});
  net.tap = {};
  net.run_for(1min);
  EXPECT_EQ(net.received(net.r), Texts{"waits"});
  EXPECT_EQ(net.received(net.i), Texts{"waits too"});
  EXPECT_TRUE(net.all_acknowledged());
}

}  // namespace
}  // namespace sts::protocol
