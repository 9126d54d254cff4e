#include "protocol/stream.h"

#include <gtest/gtest.h>

#include <random>

namespace sts::protocol {
namespace {

Message message(std::string_view text) { return {RecordType::data, to_bytes(as_bytes(text))}; }
Message message(std::size_t size) { return {RecordType::data, Bytes(size)}; }

StreamReceiver::Item item(std::string_view text, std::uint64_t gap = 0) {
  return {gap, {message(text)}, false};
}

std::string joined(StreamReceiver& receiver) {
  std::string out;
  for (const auto& one : receiver.take().messages) out += as_text(one.body);
  return out;
}

using Texts = std::vector<std::string>;

Message taken(std::string_view text) { return {RecordType::taken, to_bytes(as_bytes(text))}; }

class StreamSenderTest : public testing::Test {
 protected:
  std::optional<StreamSender::Outgoing> next(std::size_t max_size = 4096) {
    return sender_.next(number_++, max_size, true, now_);
  }
  static std::vector<std::string> messages(const StreamSender::Outgoing& out) {
    std::vector<std::string> texts;
    const auto records = decode_records(out.records);
    for (const auto& one : records->messages) texts.emplace_back(as_text(one.body));
    return texts;
  }

  StreamSender sender_{false};
  std::uint64_t number_ = 0;
  Instant now_{};
};

TEST_F(StreamSenderTest, PacksWhatWaitsUpToASize) {
  for (const auto* text : {"one", "", "three"}) ASSERT_TRUE(sender_.push(message(text)));
  const std::string large(5000, 'x');
  ASSERT_TRUE(sender_.push(message(large)));
  ASSERT_TRUE(sender_.push(message("last")));
  EXPECT_EQ(sender_.unacknowledged(), 5U);
  EXPECT_EQ(messages(*next()), (Texts{"one", "", "three"}));
  EXPECT_EQ(messages(*next()), (Texts{large}));
  EXPECT_EQ(messages(*next()), (Texts{"last"}));
  EXPECT_FALSE(next());
}

TEST_F(StreamSenderTest, NeverPacksOverTheSize) {
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(sender_.push(message(std::size_t{random() % 150})));
  }
  std::size_t count = 0;
  while (auto out = next(200)) {
    EXPECT_LE(out->records.size(), 200U);
    count += messages(*out).size();
  }
  EXPECT_EQ(count, 500U);
}

TEST_F(StreamSenderTest, WhatDoesNotFillAFrameCanWait) {
  const auto full = [&] { return sender_.next(number_++, 200, false, now_); };
  ASSERT_TRUE(sender_.push(message(190)));
  EXPECT_FALSE(full());
  ASSERT_TRUE(sender_.push(message(20)));
  EXPECT_TRUE(full());
  EXPECT_FALSE(full());
  EXPECT_TRUE(next(200));
  ASSERT_TRUE(sender_.push(message(201)));
  EXPECT_TRUE(full());
  sender_.push_kill();
  EXPECT_TRUE(full()) << "nothing can share the last frame";
}

TEST_F(StreamSenderTest, KeepsUntilAcknowledged) {
  for (const auto* text : {"a", "b", "c"}) {
    ASSERT_TRUE(sender_.push(message(text)));
    ASSERT_TRUE(next());
  }
  sender_.acknowledge({1, 1}, now_);
  EXPECT_EQ(sender_.unacknowledged(), 2U);
  EXPECT_EQ(sender_.first(), 1U);
  sender_.acknowledge({0, 0}, now_);  // an older one
  EXPECT_EQ(sender_.unacknowledged(), 2U);
  sender_.acknowledge({3, 3}, now_);
  EXPECT_TRUE(sender_.idle());
  EXPECT_EQ(sender_.first(), 3U);
}

TEST_F(StreamSenderTest, SendsAgainWhatTheAckMisses) {
  for (const auto* text : {"a", "b", "c", "d"}) {
    ASSERT_TRUE(sender_.push(message(text)));
    ASSERT_TRUE(next());
    ++number_;  // a frame without messages after each
  }
  // 0 arrived, 2 didn't, 4 did, of 6 nothing is known.
  sender_.acknowledge({1, 4}, now_);
  const auto b = next();
  ASSERT_TRUE(b && b->resent && b->again);
  EXPECT_EQ(b->resent->number, 2U);
  EXPECT_EQ(b->resent->gap, 2U);  // nothing before it is missed any more
  EXPECT_EQ(messages(*b), Texts{"b"});
  const auto c = next();
  ASSERT_TRUE(c && c->resent);
  EXPECT_EQ(c->resent->number, 4U);
  EXPECT_EQ(c->resent->gap, 1U);
  EXPECT_FALSE(next());
  // An ACK that was already under way doesn't make it send once more; a late one does.
  sender_.acknowledge({1, 4}, now_ + resend_pause - 1ns);
  EXPECT_FALSE(next());
  sender_.acknowledge({1, 4}, now_ + resend_pause);
  EXPECT_TRUE(next());
}

TEST_F(StreamSenderTest, TheFirstEntryOfAGenerationSaysWhatIsBeforeIt) {
  ASSERT_TRUE(sender_.push(message("a")));
  ASSERT_TRUE(next());
  sender_.acknowledge({1, 1}, now_);
  number_ = generation_span + 1;
  ASSERT_TRUE(sender_.push(message("b")));
  const auto b = next();
  ASSERT_TRUE(b && b->resent);
  EXPECT_FALSE(b->again);
  EXPECT_EQ(b->resent->number, generation_span + 1);
  EXPECT_GE(b->resent->gap, generation_span);
  ASSERT_TRUE(sender_.push(message("c")));
  EXPECT_FALSE(next()->resent);
}

TEST_F(StreamSenderTest, BoundsMessagesAndBytes) {
  for (std::size_t i = 0; i < send_buffer_messages; ++i) ASSERT_TRUE(sender_.push({}));
  EXPECT_EQ(sender_.push({}).error().code, Errc::limit);
  ASSERT_TRUE(next());
  EXPECT_FALSE(sender_.push({}));
  sender_.acknowledge({1, 1}, now_);
  EXPECT_TRUE(sender_.push({}));
}

TEST_F(StreamSenderTest, TakesOneMessageOfAnySize) {
  ASSERT_TRUE(sender_.push(message(send_buffer_bytes + 1)));
  EXPECT_EQ(sender_.push(message(1)).error().code, Errc::limit);
  ASSERT_TRUE(next());
  sender_.acknowledge({1, 1}, now_);
  ASSERT_TRUE(sender_.push(message(1)));
  EXPECT_TRUE(sender_.push(message(send_buffer_bytes - 1)));
  EXPECT_FALSE(sender_.push(message(1)));
}

TEST_F(StreamSenderTest, BoundsFramesInFlight) {
  for (std::size_t i = 0; i < frames_in_flight; ++i) {
    ASSERT_TRUE(sender_.push(message("x")));
    ASSERT_TRUE(next());
  }
  ASSERT_TRUE(sender_.push(message("x")));
  EXPECT_FALSE(next());
  sender_.acknowledge({1, 1}, now_);
  EXPECT_TRUE(next());
}

TEST_F(StreamSenderTest, KillIsTheLastWord) {
  sender_.push_kill();
  ASSERT_TRUE(sender_.push(message("a")));
  EXPECT_EQ(messages(*next()), Texts{"a"});
  EXPECT_FALSE(sender_.idle());
  EXPECT_TRUE(decode_records(next()->records)->kill);
  EXPECT_FALSE(next());
  sender_.acknowledge({2, 2}, now_);
  EXPECT_TRUE(sender_.idle());
}

TEST_F(StreamSenderTest, GivesUpWhatCannotBeSent) {
  ASSERT_TRUE(sender_.push(message("a")));
  ASSERT_TRUE(sender_.push(message("b")));
  ASSERT_TRUE(next());
  EXPECT_EQ(sender_.drop(7), 0U);
  EXPECT_EQ(sender_.drop(0), 2U);
  EXPECT_EQ(sender_.unacknowledged(), 0U);
  const auto hole = next();
  ASSERT_TRUE(hole && hole->resent);
  EXPECT_TRUE(hole->records.empty());
  EXPECT_EQ(sender_.drop(0), 0U);
  EXPECT_FALSE(next()) << "giving up the hole itself sends nothing more";
  sender_.acknowledge({1, 1}, now_);
  EXPECT_TRUE(sender_.idle());
}

TEST(StreamReceiver, DeliversInOrderOnce) {
  StreamReceiver receiver;
  receiver.accept(2, item("c"));
  receiver.accept(1, item("b"));
  EXPECT_EQ(joined(receiver), "");
  EXPECT_EQ(receiver.ack().next, 0U);
  EXPECT_EQ(receiver.ack().gap_end, 1U);
  receiver.accept(2, item("again"));
  receiver.accept(0, item("a"));
  EXPECT_EQ(joined(receiver), "abc");
  receiver.accept(1, item("again"));
  EXPECT_EQ(joined(receiver), "");
  EXPECT_EQ(receiver.ack().next, 3U);
  EXPECT_EQ(receiver.ack().gap_end, 3U);
}

TEST(StreamReceiver, AGapIsAccountedFor) {
  StreamReceiver receiver;
  receiver.accept(5, item("late", 2));
  EXPECT_EQ(receiver.ack().gap_end, 3U);
  receiver.accept(2, item("first", 2));
  EXPECT_EQ(joined(receiver), "firstlate");
  receiver.accept(9, item("held"));
  receiver.accept(9, item("held", 3));  // again, and now it is known what was before it
  EXPECT_EQ(joined(receiver), "held");
}

TEST(StreamReceiver, SkipsToWhereAStreamGoesOn) {
  StreamReceiver receiver;
  receiver.accept(12, item("x"));
  receiver.skip_to(12);
  EXPECT_EQ(joined(receiver), "x");
  receiver.skip_to(5);
  EXPECT_EQ(receiver.next(), 13U);
}

TEST_F(StreamSenderTest, WhatWasTakenIsAlwaysToldAndTheLastOfItIsEnough) {
  for (std::size_t i = 0; i < send_buffer_messages; ++i) ASSERT_TRUE(sender_.push({}));
  for (const auto* one : {"queue A 1", "queue B 1", "queue A 2", "queue B 2"}) {
    ASSERT_TRUE(sender_.push(taken(one)));
  }
  EXPECT_EQ(sender_.unacknowledged(), send_buffer_messages) << "of messages";
  std::string told;
  while (const auto out = next()) {
    const auto records = decode_records(out->records);
    for (const auto& [type, body] : records->messages) {
      if (type == RecordType::taken) told += as_text(body);
    }
  }
  EXPECT_EQ(told, "queue A 2queue B 2");
}

TEST(StreamReceiver, BoundsWhatItHolds) {
  StreamReceiver receiver;
  const Message large = message(hold_bytes / 4);
  for (std::uint64_t n = 1; n < 10; ++n) receiver.accept(n, {0, {large}, false});
  receiver.accept(0, item("a"));
  EXPECT_EQ(receiver.take().messages.size(), 4U);
  EXPECT_EQ(receiver.next(), 4U) << "the rest is sent again";
}

TEST(StreamReceiver, AcknowledgementsBehindAHoleTakeNoRoom) {
  StreamReceiver receiver;
  for (std::uint64_t n = 1; n < 10 * hold_frames; ++n) receiver.accept(n, {});
  receiver.accept(10 * hold_frames, item("held"));
  receiver.accept(0, item("a"));
  EXPECT_EQ(joined(receiver), "aheld");
}

// Sender and receiver over a line that loses and reorders, in two generations.
TEST(Stream, ArrivesWholeOverABadLine) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    StreamSender sender(false);
    StreamReceiver receiver;
    std::string sent, received;
    std::uint64_t number = 0;
    Instant now{};
    std::vector<std::pair<std::uint64_t, Bytes>> line;
    const auto put = [&](ByteView records, const std::optional<Resent>& resent) {
      Bytes frame;
      if (resent) put_resent(frame, *resent);
      append(frame, records);
      if (random() % 4 != 0) line.emplace_back(number, frame);
      ++number;
    };
    const auto take = [&](std::uint64_t frame_number, const Bytes& frame) {
      const auto records = decode_records(frame);
      ASSERT_TRUE(records);
      StreamReceiver::Item content;
      for (const auto& [type, body] : records->messages) {
        content.messages.push_back({type, to_bytes(body)});
      }
      if (records->resent) {
        content.gap = records->resent->gap;
        receiver.accept(records->resent->number, std::exchange(content, {}));
      }
      receiver.accept(frame_number, std::move(content));
      received += joined(receiver);
    };
    for (int step = 0; step < 400 || !sender.idle(); ++step) {
      ASSERT_LT(step, 5000) << "seed " << seed;
      if (step == 200) number = generation_span;
      if (step < 400 && random() % 2 == 0) {
        const std::string text(1, static_cast<char>('a' + step % 26));
        sent += text;
        ASSERT_TRUE(sender.push(message(text)));
      }
      if (random() % 2 == 0) {
        if (const auto out = sender.next(number, 64, random() % 2 == 0, now))
          put(out->records, out->resent);
      }
      if (random() % 8 == 0) put(Bytes{static_cast<std::uint8_t>(RecordType::ping)}, {});
      if (!line.empty() && random() % 2 == 0) {
        const auto at = line.begin() + static_cast<std::ptrdiff_t>(random() % line.size());
        const auto frame = *at;
        line.erase(at);
        take(frame.first, frame.second);
      }
      if (random() % 8 == 0) sender.acknowledge(receiver.ack(), now);
      now += 100ms;
    }
    EXPECT_EQ(received, sent) << "seed " << seed;
  }
}

}  // namespace
}  // namespace sts::protocol
