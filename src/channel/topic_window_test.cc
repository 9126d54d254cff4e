#include "channel/topic_window.h"

#include <gtest/gtest.h>

namespace sts::channel {
namespace {

TEST(TopicWindow, CountsFromTheStart) {
  TopicWindow window(true);
  EXPECT_EQ(window.mark_live(2).missing, 2U);
  EXPECT_EQ(window.mark_live(3).missing, 0U);
  const auto late = window.mark_live(0);
  EXPECT_TRUE(late.found);
  EXPECT_TRUE(late.reordered);
  EXPECT_EQ(window.missing(), 1U);
  EXPECT_FALSE(window.is_new(0));
  EXPECT_TRUE(window.is_new(1));
}

TEST(TopicWindow, CountsFromTheFirstThatCame) {
  TopicWindow window(false);
  EXPECT_EQ(window.mark_live(100).missing, 0U);
  EXPECT_EQ(window.mark_live(102).missing, 1U);
  const auto before = window.mark_live(99);  // was sent before we listened: nobody missed it
  EXPECT_FALSE(before.found);
  EXPECT_TRUE(before.reordered);
  EXPECT_EQ(window.missing(), 1U);
}

TEST(TopicWindow, CountsFurtherThanTheWindowReaches) {
  TopicWindow window(true);
  EXPECT_EQ(window.mark_live(1'000'000).missing, 1'000'000U);
  EXPECT_FALSE(window.is_new(1'000'000 - protocol::ReplayWindow::size));
  EXPECT_TRUE(window.is_new(1'000'001 - protocol::ReplayWindow::size));
}

TEST(TopicWindow, ARetainedMessageLeavesRoomForWhatWasSentBefore) {
  TopicWindow window(false);
  window.mark_retained(5000);
  EXPECT_FALSE(window.is_new(5000));
  for (std::uint64_t i = 100; i < 5000; ++i) {
    ASSERT_TRUE(window.is_new(i));
    ASSERT_EQ(window.mark_live(i).missing, 0U);
  }
  EXPECT_FALSE(window.is_new(5000));
  EXPECT_EQ(window.mark_live(5001).missing, 0U);  // 5000 was seen
}

TEST(TopicWindow, NoRetainedMessageComesTwice) {
  TopicWindow window(true);
  for (std::uint64_t i = 0; i < 100; ++i) window.mark_retained(i * 10);
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_FALSE(window.is_new(i * 10)) << i;
  window.mark_live(995);
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_FALSE(window.is_new(i * 10)) << i;
  EXPECT_EQ(window.missing(), 995U - 100U);
}

TEST(TopicWindow, ARetainedMessageMayBeOneThatWasMissing) {
  TopicWindow window(true);
  window.mark_live(2);
  EXPECT_TRUE(window.mark_retained(1));
  EXPECT_EQ(window.missing(), 1U);
  EXPECT_FALSE(window.is_new(1));
}

TEST(TopicWindow, TheEndShowsWhatIsMissing) {
  TopicWindow window(true);
  window.mark_live(0);
  window.mark_retained(3);
  EXPECT_EQ(window.finish(5), 3U);  // 1, 2, 4
  EXPECT_EQ(window.finish(5), 0U);
  EXPECT_FALSE(window.complete());
  for (const std::uint64_t i : {1U, 2U, 4U}) EXPECT_TRUE(window.mark_live(i).found);
  EXPECT_TRUE(window.complete());
}

TEST(TopicWindow, TheStartMayBeDueLater) {
  TopicWindow window(false);
  window.mark_retained(1);
  window.mark_live(3);
  EXPECT_EQ(window.due_from_start(), 2U);  // 0, 2
  EXPECT_EQ(window.due_from_start(), 0U);
  EXPECT_TRUE(window.mark_live(0).found);
  EXPECT_EQ(window.missing(), 1U);
}

TEST(TopicWindow, WhatWasMissingBeforeAPauseIsNoMore) {
  TopicWindow window(true);
  window.mark_live(3);
  window.pause();
  window.mark_live(7);
  EXPECT_FALSE(window.mark_live(1).found);
  EXPECT_EQ(window.finish(8), 0U);
  EXPECT_TRUE(window.complete());
}

TEST(TopicWindow, OfWhatNothingCameNothingIsMissing) {
  TopicWindow window(false);
  EXPECT_EQ(window.finish(7), 0U);
  EXPECT_FALSE(window.complete());
}

}  // namespace
}  // namespace sts::channel
