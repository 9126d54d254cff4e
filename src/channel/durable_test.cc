// Durable numbers: a message that is sent again, under whatever key, arrives once.
#include "channel/world_for_tests.h"

namespace sts::channel {
namespace {

struct DurableNumbers : testing::Test {
  DurableNumbers() : reader(world.add_reader()) { world.publish(world.begin_epoch()); }

  void send(std::uint64_t number, std::string_view topic = "a", std::uint8_t stream = 1,
            bool retain = false) {
    const auto text = std::to_string(number);
    auto sealed = world.sender->seal(
        topic,
        {.payload = as_bytes(text), .retained = retain, .durable = Durable{{{stream}}, number}},
        world.now);
    ASSERT_TRUE(sealed);
    world.publish({std::string(topic), *sealed, retain});
  }
  using Texts = std::vector<std::string>;

  World world;
  TestReader& reader;
};

TEST_F(DurableNumbers, ARepeatIsLeftOut) {
  send(5);
  send(6);
  send(5);
  EXPECT_EQ(reader.texts(), (Texts{"5", "6"}));
  EXPECT_EQ(reader.heard[1].durable->number, 6U);
  EXPECT_EQ(reader.counts("a").resent, 1U);
  EXPECT_TRUE(reader.notices.empty());
}

TEST_F(DurableNumbers, ARepeatOfAnotherProcessIsLeftOut) {
  send(0);
  send(1);
  world.restart_sender();
  world.publish(world.begin_epoch());
  send(1);
  send(2);
  EXPECT_EQ(reader.texts(), (Texts{"0", "1", "2"}));
  EXPECT_TRUE(reader.notices.empty());
}

TEST_F(DurableNumbers, TopicsAndStreamsAreApart) {
  send(0);
  send(0, "b");
  send(0, "a", 2);
  EXPECT_EQ(reader.heard.size(), 3U);
}

TEST_F(DurableNumbers, WhatWasDroppedIsMissing) {
  send(0);
  send(3);
  EXPECT_EQ(reader.count(NoticeKind::durable_missing), 2U);
  EXPECT_EQ(reader.counts("a").durable_missing, 2U);
  EXPECT_EQ(reader.counts("a").missing, 0U);
  send(2);
  EXPECT_EQ(reader.counts("a").durable_missing, 1U);
}

TEST_F(DurableNumbers, WhatTheBrokerLostIsToldOnce) {
  send(0);
  (void)world.sender->seal("a", {.payload = as_bytes("x"), .durable = Durable{{{1}}, 1}},
                           world.now);
  send(2);
  EXPECT_EQ(reader.count(NoticeKind::missing), 1U);
  EXPECT_EQ(reader.count(NoticeKind::durable_missing), 0U);
  EXPECT_EQ(reader.counts("a").durable_missing, 1U);
}

TEST_F(DurableNumbers, ARetainedOneSaysNothingOfThoseBefore) {
  send(7, "a", 1, true);
  auto& late = world.add_reader();
  world.publish(world.begin_epoch());
  world.subscribe(late);
  EXPECT_EQ(late.texts(), Texts{"7"});
  EXPECT_TRUE(late.heard[0].retained);
  EXPECT_EQ(late.heard[0].durable->number, 7U);
  send(5);
  send(7);
  EXPECT_EQ(late.texts(), (Texts{"7", "5"}));
  EXPECT_EQ(reader.texts(), (Texts{"7", "5"}));
  EXPECT_EQ(late.count(NoticeKind::durable_missing), 0U);
}

TEST_F(DurableNumbers, OneThatIsSealedAnewSaysNothingOfThoseBeforeTheNext) {
  auto& late = world.add_reader();
  late.forbidden = {"a"};  // it comes when the first is sealed anew
  send(0, "a", 1, true);
  for (std::uint64_t number = 1; number < 10; ++number) send(number);
  late.forbidden.clear();
  world.publish(world.begin_epoch());
  send(10);
  EXPECT_EQ(late.texts(), (Texts{"0", "10"}));
  EXPECT_EQ(late.count(NoticeKind::durable_missing), 0U);
}

TEST_F(DurableNumbers, TheOldestOfManyStreamsIsForgotten) {
  for (std::uint8_t stream = 1; stream <= durable_streams; ++stream) send(1, "a", stream);
  send(1, "a", 1);
  EXPECT_EQ(reader.heard.size(), durable_streams);
  send(1, "a", 100);
  send(1, "a", 1);
  EXPECT_EQ(reader.heard.size(), durable_streams + 2);
}

TEST_F(DurableNumbers, TheHighestIsHarmless) {
  send(0);
  send(durable_numbers_end - 1);
  send(durable_numbers_end - 1);
  EXPECT_EQ(reader.heard.size(), 2U);
}

TEST_F(DurableNumbers, OneFarBelowTheHighestIsTold) {
  send(protocol::ReplayWindow::size);
  send(0);
  EXPECT_EQ(reader.heard.size(), 1U);
  EXPECT_EQ(reader.count(NoticeKind::repeated), 1U);
  EXPECT_EQ(reader.counts("a").resent, 0U);
}

TEST(DurableWindows, OutliveTheProcess) {
  DurableWindows windows;
  for (const auto number : {std::uint64_t{3}, std::uint64_t{5}, durable_numbers_end - 1}) {
    windows.find(StreamId{1}).mark_live(number);
  }
  Bytes saved;
  windows.put(saved);
  sts::Reader in(saved);
  auto again = DurableWindows::get(in);
  ASSERT_TRUE(again && in.empty());
  EXPECT_FALSE(again->find(StreamId{1}).is_new(durable_numbers_end - 1));
  EXPECT_TRUE(again->find(StreamId{1}).mark_live(durable_numbers_end - 2).found);
  EXPECT_TRUE(again->find(StreamId{2}).is_new(3)) << "another stream's";
  for (std::size_t size = 0; size < saved.size(); ++size) {
    sts::Reader cut(ByteView(saved).first(size));
    EXPECT_FALSE(DurableWindows::get(cut)) << size;
  }
}

}  // namespace
}  // namespace sts::channel
