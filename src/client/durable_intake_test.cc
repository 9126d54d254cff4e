#include "client/durable_intake.h"

#include <gtest/gtest.h>

#include <array>

#include "crypto/random.h"
#include "store/test_home.h"

namespace sts::client {
namespace {

using protocol::DurableVerdict;

constexpr protocol::StreamId queue{1}, other_queue{2};

class DurableIntakeTest : public testing::Test {
 protected:
  DurableIntakeTest() { home_.make_home(); }
  DurableIntake process() { return {here_, identity_, random_}; }
  /// As one that hands on what is new would do.
  static DurableVerdict offer(DurableIntake& intake, const crypto::PublicKey& peer,
                              const protocol::DurableNumber& number) {
    const auto verdict = intake.judge(peer, number);
    EXPECT_TRUE(verdict);
    if (*verdict == DurableVerdict::take) intake.hand_on(peer, number);
    return *verdict;
  }

  store::TestHome home_;
  store::Home here_ = home_.home();
  crypto::SystemRandom random_;
  crypto::PrivateKey identity_ = crypto::KeyPair::generate(random_).private_key;
  const crypto::PublicKey a_ = crypto::KeyPair::generate(random_).public_key;
  const crypto::PublicKey b_ = crypto::KeyPair::generate(random_).public_key;
};

TEST_F(DurableIntakeTest, ARepeatIsOneAfterARestartToo) {
  {
    auto intake = process();
    EXPECT_EQ(offer(intake, a_, {queue, 0, 0}), DurableVerdict::take);
    EXPECT_EQ(offer(intake, a_, {queue, 1, 0}), DurableVerdict::take);
    EXPECT_EQ(offer(intake, a_, {queue, 0, 0}), DurableVerdict::repeat);
    EXPECT_EQ(intake.known(a_, queue).taken.next, 0U) << "nothing was taken yet";
    const auto told = intake.taken(2);
    ASSERT_TRUE(told) << told.error().message;
    ASSERT_EQ(told->size(), 1U);
    EXPECT_EQ(told->front().peer, a_);
    EXPECT_EQ(told->front().taken, (protocol::DurableTaken{queue, 2}));
  }
  auto intake = process();
  EXPECT_EQ(offer(intake, a_, {queue, 1, 1}), DurableVerdict::repeat);
  EXPECT_EQ(intake.known(a_, queue).taken.next, 2U);
  EXPECT_EQ(offer(intake, a_, {queue, 2, 2}), DurableVerdict::take);
}

TEST_F(DurableIntakeTest, WhatWasNotTakenIsNoRepeatAfterARestart) {
  {
    auto intake = process();
    for (std::uint64_t number = 0; number < 3; ++number) offer(intake, a_, {queue, number, 0});
    ASSERT_TRUE(intake.taken(1));
  }
  auto intake = process();
  EXPECT_EQ(offer(intake, a_, {queue, 0, 0}), DurableVerdict::repeat);
  EXPECT_EQ(offer(intake, a_, {queue, 2, 0}), DurableVerdict::early);
  EXPECT_EQ(offer(intake, a_, {queue, 1, 1}), DurableVerdict::take);
  EXPECT_EQ(offer(intake, a_, {queue, 2, 0}), DurableVerdict::take);
}

TEST_F(DurableIntakeTest, EachPeerAndQueueCountsForItself) {
  auto intake = process();
  EXPECT_EQ(offer(intake, a_, {queue, 0, 0}), DurableVerdict::take);
  EXPECT_EQ(offer(intake, b_, {queue, 0, 0}), DurableVerdict::take);
  EXPECT_EQ(offer(intake, a_, {other_queue, 7, 7}), DurableVerdict::take);
  const auto told = intake.taken(3);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->size(), 3U);
  EXPECT_TRUE(intake.taken(3)->empty()) << "once";
}

TEST_F(DurableIntakeTest, MoreQueuesThanAreRemembered) {
  auto intake = process();
  for (std::uint8_t n = 0; n < 100; ++n) {
    offer(intake, a_, {{9, n}, 0, 0});
    ASSERT_TRUE(intake.taken(n + 1U));
  }
  auto again = process();
  EXPECT_EQ(offer(again, a_, {{9, 99}, 0, 0}), DurableVerdict::repeat);
  EXPECT_EQ(offer(again, a_, {{9, 36}, 0, 0}), DurableVerdict::repeat);
  EXPECT_EQ(offer(again, a_, {{9, 35}, 0, 0}), DurableVerdict::take) << "was forgotten";
}

TEST_F(DurableIntakeTest, WhatCannotBeCommittedIsNotTold) {
  auto intake = process();
  offer(intake, a_, {queue, 0, 0});
  // As a full disk would.
  auto database = store::Database::open(here_.state_file());
  ASSERT_TRUE(database && database->run("ALTER TABLE taken RENAME TO away"));
  EXPECT_FALSE(intake.taken(1));
  ASSERT_TRUE(database->run("ALTER TABLE away RENAME TO taken"));
  EXPECT_EQ(intake.taken(1)->size(), 1U);
}

TEST_F(DurableIntakeTest, OfTwoProcessesOneTakesAMessage) {
  auto slow = process(), fast = process();
  EXPECT_EQ(offer(slow, a_, {queue, 0, 0}), DurableVerdict::take);
  EXPECT_EQ(offer(fast, a_, {queue, 0, 0}), DurableVerdict::take);
  ASSERT_TRUE(fast.taken(1));
  const auto late = slow.taken(1);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::refused);
}

TEST_F(DurableIntakeTest, InAnInboxRowsAndWhatIsTakenAreOneChange) {
  const auto path = home_.root() / "inbox.db";
  store::Inbox::Message row;
  row.topic = "t";
  const std::array rows{row};
  auto intake = process();
  ASSERT_TRUE(intake.use_inbox({path}));
  offer(intake, a_, {queue, 0, 0});
  auto database = store::Database::open(path);
  ASSERT_TRUE(database && database->run("ALTER TABLE messages RENAME TO away"));
  EXPECT_FALSE(intake.taken(1, rows));
  ASSERT_TRUE(
      database->run("ALTER TABLE away RENAME TO messages; ALTER TABLE taken RENAME TO away"));
  EXPECT_FALSE(intake.taken(1, rows));
  EXPECT_EQ(*database->number("SELECT count(*) FROM messages"), 0U);
  ASSERT_TRUE(database->run("ALTER TABLE away RENAME TO taken"));
  EXPECT_EQ(intake.taken(1, rows)->size(), 1U);
  EXPECT_TRUE(intake.taken(1, rows)->empty()) << "what is not durable goes there, too";
  EXPECT_EQ(*database->number("SELECT count(*) FROM messages"), 2U);
  auto again = process();
  ASSERT_TRUE(again.use_inbox({path}));
  EXPECT_EQ(offer(again, a_, {queue, 0, 0}), DurableVerdict::repeat);
}

}  // namespace
}  // namespace sts::client
