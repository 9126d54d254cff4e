// The handshake, and everything a broker can do to it.
#include <gtest/gtest.h>

#include <set>

#include "protocol/network_for_tests.h"

namespace sts::protocol {
namespace {

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

/// Gives each session index twice.
class Stuttering : public Random {
 public:
  void fill(MutableBytes out) override {
    if (out.size() != last_.size()) return random_.fill(out);
    if (count_++ % 2 == 0) random_.fill(last_);
    std::ranges::copy(last_, out.begin());
  }

 private:
  crypto::SeededRandom random_{3};
  std::array<std::uint8_t, 4> last_{};
  int count_ = 0;
};

TEST(Handshake, IndicesInUseAreNotTakenAgain) {
  Network net;
  Stuttering at_r, at_i;
  const auto r = net.add(
      {.role = noise::Role::responder, .identity = 9, .peers = {{1}, {2}}, .random = &at_r});
  const auto i = net.add({.identity = 1, .peers = {{9}}, .random = &at_i});
  const auto other = net.add({.identity = 2, .peers = {{9}}});
  net.online(r);
  net.online(i);
  net.online(other);
  net.run();
  EXPECT_NE(net.link(r, i)->current()->local(), net.link(r, other)->current()->local());
  const SessionIndex before = net.link(i, r)->current()->local();
  net.run_for(1h);
  EXPECT_TRUE(net.all<Up>(i).back().renewed);
  EXPECT_NE(net.link(i, r)->current()->local(), before);
}

TEST(Handshake, IndicesAreAuthentic) {
  constexpr std::size_t in_init_req = 1 + 32;
  constexpr std::size_t in_init_ack = 1 + 4 + 32 + 48;
  for (const auto& [type, at] :
       {std::pair(FrameType::init_req, in_init_req), std::pair(FrameType::init_ack, in_init_ack)}) {
    Pair net;
    net.tap = [&, type = type, at = at](Network::Frame& frame) {
      if (frame.bytes[0] == static_cast<std::uint8_t>(type)) frame.bytes[at] ^= 1U;
      return true;
    };
    net.online(net.r);
    net.online(net.i);
    net.run();
    EXPECT_GT(net.notices(type == FrameType::init_req ? net.r : net.i, NoticeKind::unverified), 0U);
    EXPECT_EQ(frames_of(net, FrameType::key_ack), 0U);
    net.tap = {};
    net.run_for(3s);
    EXPECT_TRUE(net.is_up());
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

}  // namespace
}  // namespace sts::protocol
