// What happens to messages when frames are lost, sessions are renewed and processes die.
#include <gtest/gtest.h>

#include "protocol/network_for_tests.h"

namespace sts::protocol {
namespace {

using Texts = std::vector<std::string>;

Texts numbered(int count, const std::string& prefix = "") {
  Texts out;
  for (int n = 0; n < count; ++n) out.push_back(prefix + std::to_string(n));
  return out;
}

Limits rekeying_every(std::uint64_t messages) {
  Limits limits;
  limits.rekey_after_messages = messages;
  return limits;
}

bool is_enc(const Network::Frame& frame) { return frame.bytes[0] >= 5; }

// --- Data ----------------------------------------------------------------------------------------

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

// --- Loss ----------------------------------------------------------------------------------------

// Both talk, pause, and renew their keys. Returns how many frames that took.
std::size_t conversation(const std::function<bool(Pair&, std::size_t, Network::Frame&)>& hook) {
  Pair net(rekeying_every(20));
  std::size_t published = 0;
  net.tap = [&](Network::Frame& frame) { return hook(net, published++, frame); };
  net.online(net.r);
  net.online(net.i);
  net.run_for(1min);
  EXPECT_TRUE(net.is_up());
  if (!net.is_up()) return 0;
  for (int n = 0; n < 30; ++n) {
    EXPECT_TRUE(net.send(net.i, net.r, "up" + std::to_string(n)));
    if (n % 3 == 0) {
      EXPECT_TRUE(net.send(net.r, net.i, "down" + std::to_string(n / 3)));
    }
    if (n % 4 == 0) net.run_for(50ms);
    if (n == 20) net.run_for(5s);
  }
  net.run_for(3min);
  EXPECT_EQ(net.received(net.r), numbered(30, "up"));
  EXPECT_EQ(net.received(net.i), numbered(10, "down"));
  EXPECT_TRUE(net.all_acknowledged());
  EXPECT_GT(net.all<Up>(net.i).size(), 1U) << "no rekey took place";
  for (const auto node : {net.i, net.r}) {
    for (const auto& up : net.all<Up>(node)) EXPECT_FALSE(up.peer_restarted);
  }
  return published;
}

TEST(Loss, OfAnySingleFrameLosesNothing) {
  const auto frames = conversation([](auto&, auto, auto&) { return true; });
  ASSERT_GT(frames, 40U);
  for (std::size_t lost = 0; lost < frames + 10 && !testing::Test::HasFailure(); ++lost) {
    SCOPED_TRACE("lost: " + std::to_string(lost));
    conversation([&](auto&, std::size_t n, auto&) { return n != lost; });
  }
}

TEST(Loss, OfAnyThreeFramesInARowLosesNothing) {
  for (std::size_t lost = 0; lost < 80 && !testing::Test::HasFailure(); ++lost) {
    SCOPED_TRACE("lost from: " + std::to_string(lost));
    conversation([&](auto&, std::size_t n, auto&) { return n < lost || n >= lost + 3; });
  }
}

TEST(Loss, ADoubledFrameArrivesOnce) {
  for (std::size_t doubled = 0; doubled < 80 && !testing::Test::HasFailure(); ++doubled) {
    SCOPED_TRACE("doubled: " + std::to_string(doubled));
    conversation([&](Pair& net, std::size_t n, Network::Frame& frame) {
      if (n == doubled) net.queue.push_back(frame);
      return true;
    });
  }
}

TEST(Loss, ALateFrameIsInOrder) {
  for (std::size_t late = 0; late < 80 && !testing::Test::HasFailure(); ++late) {
    SCOPED_TRACE("late: " + std::to_string(late));
    std::optional<Network::Frame> kept;
    conversation([&](Pair& net, std::size_t n, Network::Frame& frame) {
      if (n == late + 5 && kept) net.queue.push_back(*kept);
      if (n == late) kept = frame;
      return n != late;
    });
  }
}

TEST(Loss, OfTheTailIsNoticed) {
  Pair net;
  net.up();
  ASSERT_TRUE(net.send(net.i, net.r, "first"));
  net.run_for(1s);
  net.tap = [](auto&) { return false; };
  ASSERT_TRUE(net.send(net.i, net.r, "tail"));
  net.run_for(1s);
  net.tap = {};
  net.run_for(probe_after + 2s);
  EXPECT_EQ(net.received(net.r), (Texts{"first", "tail"}));
  EXPECT_TRUE(net.all_acknowledged());
}

TEST(Loss, OfAcknowledgementsRepeatsNothing) {
  Pair net;
  net.up();
  net.tap = [&](Network::Frame& frame) { return frame.from != net.r; };
  for (const auto& text : numbered(20)) {
    ASSERT_TRUE(net.send(net.i, net.r, text));
    net.run_for(500ms);
  }
  net.tap = {};
  net.run_for(2min);
  EXPECT_EQ(net.received(net.r), numbered(20));
  EXPECT_TRUE(net.all_acknowledged());
}

TEST(Loss, AnIdleSessionIsQuiet) {
  Pair net;
  net.up();
  ASSERT_TRUE(net.send(net.i, net.r, "hi"));
  net.run_for(1s);
  net.recorded.clear();
  net.run_for(10min);
  // A PING from each side each minute, and its answer.
  EXPECT_LE(net.recorded.size(), 40U);
  EXPECT_GE(net.recorded.size(), 10U);
}

TEST(Loss, WithoutHeartbeatAnIdleSessionIsSilent) {
  Limits limits;
  limits.heartbeat = 0s;
  Pair net(limits);
  net.up();
  net.recorded.clear();
  net.run_for(50min);
  EXPECT_TRUE(net.recorded.empty());
}

TEST(Loss, SilenceIsToldOnceAndSoIsItsEnd) {
  Pair net;
  net.up();
  ASSERT_TRUE(net.send(net.r, net.i, "hi"));
  net.run_for(1s);
  net.tap = [](auto&) { return false; };
  ASSERT_TRUE(net.send(net.i, net.r, "waits"));
  net.run_for(10min);
  EXPECT_EQ(net.notices(net.i, NoticeKind::silent), 1U);
  EXPECT_TRUE(net.link(net.i, net.r)->silent());
  net.tap = {};
  net.run_for(2min);
  EXPECT_EQ(net.notices(net.i, NoticeKind::back), 1U);
  EXPECT_EQ(net.received(net.r), Texts{"waits"});
  EXPECT_TRUE(net.all_acknowledged());
}

// --- Outages -------------------------------------------------------------------------------------

TEST(Outage, OfTheBrokerKeepsTheSession) {
  Pair net;
  net.up();
  const auto* session = net.link(net.i, net.r)->current();
  for (int outage = 0; outage < 5; ++outage) {
    ASSERT_TRUE(net.send(net.i, net.r, "before"));
    ASSERT_TRUE(net.send(net.r, net.i, "before"));
    net.queue.clear();  // what was in the socket is gone
    net.offline(net.i);
    net.offline(net.r);
    ASSERT_TRUE(net.send(net.i, net.r, "meanwhile"));
    ASSERT_TRUE(net.send(net.r, net.i, "meanwhile"));
    net.run_for(10min);
    net.online(net.r);
    net.online(net.i);
    net.run_for(probe_after + 2s);
    EXPECT_EQ(net.received(net.r).size(), 2U * static_cast<std::size_t>(outage + 1));
    EXPECT_EQ(net.received(net.i), net.received(net.r));
    EXPECT_TRUE(net.all_acknowledged());
  }
  EXPECT_EQ(net.link(net.i, net.r)->current(), session);
  EXPECT_EQ(net.notices(net.i, NoticeKind::silent), 0U);
}

TEST(Outage, LongerThanTheKeysLiveRenewsThem) {
  Pair net;
  net.up();
  net.offline(net.i);
  net.offline(net.r);
  ASSERT_TRUE(net.send(net.i, net.r, "meanwhile"));
  ASSERT_TRUE(net.send(net.r, net.i, "meanwhile"));
  net.run_for(5h);
  net.online(net.i);
  net.online(net.r);
  net.run_for(1min);
  EXPECT_EQ(net.received(net.r), Texts{"meanwhile"});
  EXPECT_EQ(net.received(net.i), Texts{"meanwhile"});
  EXPECT_TRUE(net.all_acknowledged());
}

// --- Rekey ---------------------------------------------------------------------------------------

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

// --- Restarts ------------------------------------------------------------------------------------

class Restart : public testing::TestWithParam<bool> {
 protected:
  Restart() { net_.up(); }
  Network::Node survivor() { return GetParam() ? net_.i : net_.r; }
  Network::Node dies() { return GetParam() ? net_.r : net_.i; }
  Pair net_;
};

TEST_P(Restart, WhatWasNotAcknowledgedGoesToTheNewProcess) {
  ASSERT_TRUE(net_.send(survivor(), dies(), "old"));
  net_.run_for(1s);
  net_.offline(dies());
  for (const auto& text : numbered(5)) ASSERT_TRUE(net_.send(survivor(), dies(), text));
  net_.run_for(5s);
  net_.restart(dies());
  net_.run_for(1min);
  EXPECT_EQ(net_.received(dies()), numbered(5));
  ASSERT_EQ(net_.all<Up>(survivor()).size(), 2U);
  EXPECT_TRUE(net_.all<Up>(survivor())[1].peer_restarted);
  EXPECT_FALSE(net_.all<Up>(dies())[0].peer_restarted);
  EXPECT_TRUE(net_.all_acknowledged());
  ASSERT_TRUE(net_.send(dies(), survivor(), "new"));
  net_.run_for(1s);
  EXPECT_EQ(net_.received(survivor()), Texts{"new"});
}

TEST_P(Restart, OverAndOver) {
  Texts sent;
  for (int round = 0; round < 10; ++round) {
    net_.restart(dies());
    net_.run_for(30s);
    ASSERT_TRUE(net_.is_up()) << round;
    const std::string text = std::to_string(round);
    sent.push_back(text);
    ASSERT_TRUE(net_.send(dies(), survivor(), text));
    net_.run_for(1s);
    ASSERT_EQ(net_.received(survivor()), sent);
  }
}

TEST_P(Restart, AnAcknowledgementOfTheDeadProcessDoesNotStopTheStream) {
  // The dead process acknowledged "0", but the broker keeps that back ...
  std::vector<Network::Frame> withheld;
  net_.tap = [&](Network::Frame& frame) {
    if (frame.from != dies()) return true;
    withheld.push_back(frame);
    return false;
  };
  ASSERT_TRUE(net_.send(survivor(), dies(), "0"));
  net_.run_for(1s);
  ASSERT_FALSE(withheld.empty());
  // ... until the survivor has told the new process, in KEYACK, where its stream goes on.
  net_.tap = [&](Network::Frame& frame) {
    return frame.from != net_.r || frame.bytes[0] != 6;  // no CONFIRM yet
  };
  net_.restart(dies());
  net_.run_for(5s);
  for (const auto& frame : withheld) net_.deliver(frame);
  net_.tap = {};
  ASSERT_TRUE(net_.send(survivor(), dies(), "1"));
  net_.run_for(2min);
  ASSERT_FALSE(net_.received(dies()).empty());
  EXPECT_EQ(net_.received(dies()).back(), "1");
  EXPECT_TRUE(net_.all_acknowledged());
}

INSTANTIATE_TEST_SUITE_P(Of, Restart, testing::Bool(), [](const auto& of) {
  return std::string(of.param ? "Responder" : "Initiator");
});

TEST(Restarts, OfBoth) {
  Pair net;
  net.up();
  for (int round = 0; round < 5; ++round) {
    net.restart(net.i);
    net.restart(net.r);
    net.run_for(1min);
    ASSERT_TRUE(net.is_up());
    ASSERT_TRUE(net.send(net.i, net.r, "a"));
    ASSERT_TRUE(net.send(net.r, net.i, "b"));
    net.run_for(1s);
    EXPECT_EQ(net.received(net.r), Texts{"a"});
    EXPECT_EQ(net.received(net.i), Texts{"b"});
  }
}

// --- Giving up -----------------------------------------------------------------------------------

TEST(PublishFailed, GivesUpOneFrameAndGoesOn) {
  Pair net;
  net.up();
  std::optional<Ticket> ticket;
  net.tap = [&](Network::Frame& frame) {
    if (ticket || !frame.messages) return true;
    ticket = frame.messages;
    return false;
  };
  for (const auto& text : numbered(3)) ASSERT_TRUE(net.send(net.i, net.r, text));
  net.publish_failed(net.i, *ticket);
  net.run_for(10s);
  EXPECT_EQ(net.received(net.r), (Texts{"1", "2"}));
  EXPECT_EQ(net.notices(net.i, NoticeKind::dropped), 1U);
  EXPECT_TRUE(net.all_acknowledged());
}

TEST(PublishFailed, ABrokerThatRefusesEverythingMakesNoLoop) {
  Pair net;
  net.up();
  net.tap = [](const Network::Frame&) { return false; };
  net.recorded.clear();
  ASSERT_TRUE(net.send(net.i, net.r, "hi"));
  for (std::size_t n = 0; n < net.recorded.size(); ++n) {
    ASSERT_LT(n, 10U);
    if (const auto ticket = net.recorded[n].messages) net.publish_failed(net.i, *ticket);
  }
  EXPECT_EQ(net.notices(net.i, NoticeKind::dropped), 1U);
}

// --- KILL ----------------------------------------------------------------------------------------

class Kill : public testing::TestWithParam<bool> {
 protected:
  Network::Node from() { return GetParam() ? net_.i : net_.r; }
  Network::Node to() { return GetParam() ? net_.r : net_.i; }
  Pair net_;
};

TEST_P(Kill, ComesAfterAllData) {
  net_.up();
  for (const auto& text : numbered(100)) ASSERT_TRUE(net_.send(from(), to(), text));
  net_.kill(from(), to());
  EXPECT_TRUE(net_.all<Finished>(from()).empty());
  net_.run_for(1s);
  EXPECT_EQ(net_.received(to()), numbered(100));
  ASSERT_EQ(net_.all<Killed>(to()).size(), 1U);
  EXPECT_TRUE(std::holds_alternative<Killed>(net_.events(to()).back()));
  ASSERT_EQ(net_.all<Finished>(from()).size(), 1U);
}

TEST_P(Kill, SaysWhatWasNotDelivered) {
  net_.up();
  net_.tap = [&](Network::Frame& frame) { return frame.from == from(); };
  for (const auto& text : numbered(3)) ASSERT_TRUE(net_.send(to(), from(), text));
  net_.kill(from(), to());
  net_.run_for(1s);
  ASSERT_EQ(net_.all<Killed>(to()).size(), 1U);
  EXPECT_EQ(net_.all<Killed>(to())[0].undelivered, 3U);
}

TEST_P(Kill, IsCarriedThroughAnyLossAndRepeatsNothing) {
  for (std::size_t lost = 0; lost < 12; ++lost) {
    SCOPED_TRACE("lost from: " + std::to_string(lost));
    Pair net;
    net.up();
    const auto sender = GetParam() ? net.i : net.r;
    const auto receiver = GetParam() ? net.r : net.i;
    std::size_t n = 0;
    net.tap = [&](auto&) {
      ++n;
      return n <= lost || n > lost + 4;
    };
    for (const auto& text : numbered(3)) ASSERT_TRUE(net.send(sender, receiver, text));
    net.kill(sender, receiver);
    net.run_for(5min);
    EXPECT_EQ(net.received(receiver), numbered(3));
    EXPECT_EQ(net.all<Killed>(receiver).size(), 1U);
    EXPECT_EQ(net.all<Finished>(sender).size(), 1U);
  }
}

TEST_P(Kill, OverARenewedSessionRepeatsNothing) {
  net_.up();
  // All that the receiver answers is lost until the sender has given the session up.
  net_.tap = [&](Network::Frame& frame) { return frame.from == from(); };
  for (const auto& text : numbered(3)) ASSERT_TRUE(net_.send(from(), to(), text));
  net_.kill(from(), to());
  net_.run_for(10min);
  net_.tap = {};
  net_.run_for(5min);
  EXPECT_EQ(net_.received(to()), numbered(3));
  EXPECT_EQ(net_.all<Killed>(to()).size(), 1U);
  EXPECT_EQ(net_.all<Up>(to()).size(), 1U);
  EXPECT_EQ(net_.all<Finished>(from()).size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(From, Kill, testing::Bool(), [](const auto& from) {
  return std::string(from.param ? "Initiator" : "Responder");
});

TEST(Killed, APeerMayComeBack) {
  Pair net;
  net.up();
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(net.send(net.i, net.r, "a"));
    net.kill(net.i, net.r);
    net.run_for(1s);
    EXPECT_EQ(net.link(net.r, net.i), nullptr);
    EXPECT_TRUE(net.endpoint(net.r).links().empty());
    net.recorded.clear();
    net.offline(net.i);
    net.run_for(10min);
    EXPECT_TRUE(net.recorded.empty()) << "a killed session has no heartbeat";
    net.restart(net.i);
    net.run_for(1s);
    ASSERT_TRUE(net.is_up());
    EXPECT_FALSE(net.all<Up>(net.r).back().renewed);
    ASSERT_TRUE(net.send(net.r, net.i, "b"));
    net.run_for(1s);
    EXPECT_EQ(net.received(net.i), Texts{"b"});
  }
  EXPECT_EQ(net.all<Killed>(net.r).size(), 3U);
  EXPECT_EQ(net.received(net.r).size(), 3U);
}

TEST(Killed, OthersGoOn) {
  Network net;
  const auto r = net.add({.role = noise::Role::responder, .identity = 9, .peers = {{1}, {2}}});
  const auto a = net.add({.identity = 1, .peers = {{9}}});
  const auto b = net.add({.identity = 2, .peers = {{9}}});
  for (const auto node : {r, a, b}) net.online(node);
  net.run_for(30s);
  net.kill(a, r);
  net.run_for(1s);
  EXPECT_EQ(net.endpoint(r).links().size(), 1U);
  ASSERT_TRUE(net.send(r, b, "still here"));
  net.run_for(1s);
  EXPECT_EQ(net.received(b), Texts{"still here"});
}

}  // namespace
}  // namespace sts::protocol
