// Whatever the disk does: what was accepted is there, once, and no number is given out twice.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <map>
#include <optional>
#include <set>

#include "crypto/random.h"
#include "store/disk_faults_for_tests.h"
#include "store/outbox.h"
#include "store/test_home.h"

namespace sts::store {
namespace {

constexpr int all_rounds = 3;

/// One user of the state, over all restarts, and what was promised to it.
class User {
 public:
  /// Works until the disk fails, or the end; false where it failed.
  bool work() {
    crypto::SeededRandom seeded(1);
    const auto identity = crypto::KeyPair::generate(seeded);
    auto state = State::open(home_.home(), identity.private_key, random_);
    if (!state) return false;
    auto other = State::open(home_.home(), identity.private_key, random_);
    if (!other) return false;
    auto outbox = Outbox::open(std::move(*other), {});
    if (!outbox) return false;
    bool whole = true;
    for (int i = 0; i < all_rounds; ++i) {
      whole = accept(*outbox) && whole;
      whole = begin_epoch(*state) && whole;
      whole = deliver_first(*outbox) && whole;
    }
    return whole;
  }

  /// With a disk that works.
  void check() {
    crypto::SeededRandom seeded(1);
    const auto identity = crypto::KeyPair::generate(seeded);
    auto state = State::open(home_.home(), identity.private_key, random_);
    ASSERT_TRUE(state) << state.error().message;
    // That it is older may be said: the file's attributes are no part of the disk that fails.
    EXPECT_EQ(state->warning().find("damaged"), std::string::npos) << state->warning();
    {
      auto change = state->begin();
      ASSERT_TRUE(change);
      const auto next = change->next_epoch(0);
      ASSERT_TRUE(next);
      EXPECT_GT(*next, epoch_);
      const auto senders = change->senders();
      ASSERT_TRUE(senders) << senders.error().message;
      if (epoch_ > 0) {
        ASSERT_EQ(senders->size(), 1U);
        // One that was not told of may have come through.
        EXPECT_GE(std::stoull(std::string(as_text((*senders)[0].saved))), epoch_);
      }
    }
    auto outbox = Outbox::open(std::move(*state), {});
    const auto batch = outbox->next(0, 10'000, 1 << 30, 0);
    ASSERT_TRUE(batch) << batch.error().message;
    EXPECT_EQ(batch->unreadable, 0U);
    std::set<std::string> there;
    for (const auto& entry : batch->entries) {
      const std::string text(as_text(entry.message.content));
      EXPECT_TRUE(there.insert(text).second) << text << " twice";
      see(entry);
      EXPECT_TRUE(accepted_.contains(text) || unsure_.contains(text)) << text;
    }
    for (const auto& text : accepted_) EXPECT_TRUE(there.contains(text)) << text << " is lost";
    const auto stats = outbox->stats();
    ASSERT_TRUE(stats);
    EXPECT_EQ(stats->messages, batch->entries.size());
  }

 private:
  bool accept(Outbox& outbox) {
    std::vector<Outbox::Message> messages;
    messages.reserve(3);
    for (int i = 0; i < 3; ++i) {
      messages.push_back({i == 0 ? "a" : "b", to_bytes(as_bytes(std::to_string(++text_)))});
    }
    const auto done = outbox.accept(messages, 1);
    for (const auto& one : messages) {
      (done ? accepted_ : unsure_).emplace(as_text(one.content));
    }
    return done.has_value();
  }

  bool begin_epoch(State& state) {
    auto change = state.begin();
    if (!change) return false;
    const auto number = change->next_epoch(0);
    if (!number) return false;
    EXPECT_GT(*number, epoch_);
    const auto saved = std::to_string(*number);
    if (!change->put_sender(Bytes{1}, as_bytes(saved)) || !change->commit()) return false;
    epoch_ = *number;  // now it may be published under
    return true;
  }

  bool deliver_first(Outbox& outbox) {
    const auto batch = outbox.next(0, 1, 1, 0);
    if (!batch) return false;
    for (const auto& entry : batch->entries) {
      see(entry);  // now a reader may have it
      const std::array seqs{entry.seq};
      const auto taken = outbox.taken(seqs);
      const std::string text(as_text(entry.message.content));
      accepted_.erase(text);
      if (!taken) unsure_.insert(text);
      return taken.has_value();
    }
    return true;
  }

  void see(const Outbox::Entry& entry) {
    const std::string text(as_text(entry.message.content));
    const auto [at, is_new] = seen_.emplace(std::pair(entry.stream, entry.number), text);
    EXPECT_EQ(at->second, text) << "two messages with one number";
  }

  TestHome home_;
  crypto::SystemRandom random_;
  int text_ = 0;
  std::uint64_t epoch_ = 0;
  std::set<std::string> accepted_;  // and not taken
  std::set<std::string> unsure_;    // it failed
  std::map<std::pair<std::array<std::uint8_t, 8>, std::uint64_t>, std::string> seen_;
};

using FaultsTest = DiskFaultsTest<User>;

TEST_F(FaultsTest, EachWriteFailsOnce) { each_write_fails_once(SQLITE_IOERR_WRITE); }

TEST_F(FaultsTest, TheDiskIsFullAtEachWrite) { each_write_fails_once(SQLITE_FULL); }

TEST_F(FaultsTest, EachSyncFailsOnce) { each_sync_fails_once(); }

TEST_F(FaultsTest, PowerIsLostAtEachWrite) { power_is_lost_at_each_write(); }

}  // namespace
}  // namespace sts::store
