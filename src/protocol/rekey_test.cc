// New keys under traffic; what becomes of the old ones.
#include <gtest/gtest.h>

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
  net.run_for(old_session_linger);
  EXPECT_FALSE(net.link(net.r, net.i)->owns(at_r));
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
