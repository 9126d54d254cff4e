// Durable messages between processes that die: each is taken once, in order.
#include "protocol/durable.h"

#include <gtest/gtest.h>

#include <random>

#include "protocol/network_for_tests.h"

namespace sts::protocol {
namespace {

constexpr StreamId our_queue{1, 2, 3, 4, 5, 6, 7, 8};

TEST(Durable, Bodies) {
  const DurableNumber number{our_queue, 300, 300};
  const Bytes body = encode_durable(number, as_bytes("text"));
  const auto durable = decode_durable(body);
  ASSERT_TRUE(durable);
  EXPECT_EQ(durable->number, number);
  EXPECT_EQ(as_text(durable->message), "text");
  const DurableTaken taken{our_queue, 301};
  EXPECT_EQ(decode_taken(encode_taken(taken)), taken);
}

TEST(Durable, RefusesWhatIsNotOne) {
  Bytes body = encode_durable({our_queue, 1, 1}, {});
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_FALSE(decode_durable(ByteView(body).first(size))) << size;
  }
  EXPECT_FALSE(decode_durable(encode_durable({our_queue, 1, 2}, {}))) << "a gap down to below 0";
  EXPECT_FALSE(decode_durable(encode_durable({our_queue, numbers_end, 0}, {})));
  body = encode_taken({our_queue, 1});
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_FALSE(decode_taken(ByteView(body).first(size))) << size;
  }
  body.push_back(0);
  EXPECT_FALSE(decode_taken(body));
}

TEST(Durable, Judges) {
  EXPECT_EQ(judge({our_queue, 4, 0}, 5), DurableVerdict::repeat);
  EXPECT_EQ(judge({our_queue, 5, 0}, 5), DurableVerdict::take);
  EXPECT_EQ(judge({our_queue, 6, 0}, 5), DurableVerdict::early);
  EXPECT_EQ(judge({our_queue, 6, 1}, 5), DurableVerdict::take);
  EXPECT_EQ(judge({our_queue, 100, 100}, 0), DurableVerdict::take);
  EXPECT_EQ(judge({our_queue, 100, 99}, 0), DurableVerdict::early);
}

/// A pair of which the initiator has a queue on a disk, and the responder what it took.
class DurablePair : public Pair {
 public:
  explicit DurablePair(std::uint64_t seed) : chance_(seed) {}

  /// What came out of the last steps is carried out; or the process dies before that.
  void settle(bool may_die) {
    for (auto& event : std::exchange(events(i), {})) {
      if (std::holds_alternative<Up>(event)) next_to_send_ = first_;
      if (const auto* it = std::get_if<Taken>(&event)) first_ = std::max(first_, it->taken.next);
    }
    for (auto& event : std::exchange(events(r), {})) {
      if (may_die && chance_() % 40 == 0) return restart(r);
      const auto* it = std::get_if<Delivered>(&event);
      if (it == nullptr || !it->durable) continue;
      const auto verdict = judge(*it->durable, next_);
      if (verdict == DurableVerdict::early) continue;
      if (verdict == DurableVerdict::take) {
        taken_.emplace_back(as_text(it->message));
        next_ = it->durable->number + 1;
      }
      if (may_die && chance_() % 40 == 0) return restart(r);  // it was committed, and not told
      with(r, [&](Link& link, Effects& out) { link.taken({our_queue, next_}, now, out); });
    }
    pump();
  }

  void accept(std::string text) { queue_.emplace_back(std::move(text)); }
  void drop_one() {  // as a policy does
    if (first_ + 1 < queue_.size()) queue_[first_ + 1].reset();
  }

  const Texts& taken() const { return taken_; }
  Texts accepted() const {
    Texts out;
    for (const auto& text : queue_) {
      if (text) out.push_back(*text);
    }
    return out;
  }
  bool done() const { return first_ == queue_.size(); }

 private:
  template <typename Step>
  void with(Node node, Step step) {
    if (Link* way = link(node, node == i ? r : i)) {
      call(node, [&](Effects& out) { step(*way, out); });
    }
  }

  void pump() {
    with(i, [&](Link& link, Effects& out) {
      for (; next_to_send_ < queue_.size() && !link.full(); ++next_to_send_) {
        if (!queue_[next_to_send_]) continue;
        std::uint64_t gap = next_to_send_;
        if (next_to_send_ > first_) {
          gap = 0;
          while (!queue_[next_to_send_ - gap - 1]) ++gap;
        }
        ASSERT_TRUE(link.send_durable({our_queue, next_to_send_, gap},
                                      as_bytes(*queue_[next_to_send_]), now, out));
      }
    });
  }

  std::mt19937_64 chance_;
  // The sender's disk:
  std::vector<std::optional<std::string>> queue_;
  std::uint64_t first_ = 0;  // not taken
  // Its memory:
  std::uint64_t next_to_send_ = 0;
  // The receiver's disk:
  Texts taken_;
  std::uint64_t next_ = 0;
};

TEST(Durable, EachOnceInOrderWhoeverDies) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    DurablePair net(seed + 1);
    net.up();
    net.tap = [&](auto&) { return random() % 10 != 0; };
    for (int step = 0; step < 300; ++step) {
      if (random() % 2 == 0) net.accept(std::to_string(step));
      if (random() % 100 == 0) net.restart(random() % 2 == 0 ? net.i : net.r);
      for (auto frames = random() % 4; frames > 0 && !net.queue.empty(); --frames) {
        net.deliver_front();
      }
      if (random() % 10 == 0) net.run_for(1s);
      net.settle(true);
    }
    net.tap = nullptr;
    for (int round = 0; round < 20 && !net.done(); ++round) {
      net.settle(false);
      net.run_for(1min);
    }
    EXPECT_TRUE(net.done());
    ASSERT_EQ(net.taken(), net.accepted());
  }
}

TEST(Durable, WhatWasDroppedHoldsNothingUp) {
  DurablePair net(1);
  for (const auto& text : numbered(5)) net.accept(text);
  net.drop_one();
  net.up();
  for (int round = 0; round < 5 && !net.done(); ++round) {
    net.settle(false);
    net.run_for(1s);
  }
  EXPECT_TRUE(net.done());
  EXPECT_EQ(net.taken(), (Texts{"0", "2", "3", "4"}));
}

TEST(Durable, TooLargeForTheBroker) {
  Pair net;
  net.max_frame = 1000;
  net.up();
  Effects out;
  const Bytes large(1000);
  const auto sent = net.link(net.i, net.r)->send_durable({our_queue, 0, 0}, large, net.now, out);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::refused);
}

}  // namespace
}  // namespace sts::protocol
