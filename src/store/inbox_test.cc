#include "store/inbox.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <string>
#include <vector>

#include "crypto/random.h"
#include "store/disk_faults_for_tests.h"
#include "store/test_home.h"

namespace sts::store {
namespace {

using Change = ReaderStore::Change;

struct InboxTest : testing::Test {
  Result<Inbox> open(const std::string& name = "inbox.db") {
    return Inbox::open({home.root() / name}, identity.private_key, random);
  }
  static Inbox::Message message(std::string_view text) {  // a view of it
    Inbox::Message out;
    out.topic = "t";
    out.payload = as_bytes(text);
    return out;
  }
  /// What a consumer sees.
  std::vector<std::string> payloads(const std::string& name = "inbox.db") const {
    auto database = *Database::open(home.root() / name);
    auto select = *Statement::prepare(database, "SELECT payload FROM messages ORDER BY id");
    std::vector<std::string> out;
    while (*select.step()) out.emplace_back(as_text(select.blob(0)));
    return out;
  }

  TestHome home;
  crypto::SystemRandom random;
  crypto::KeyPair identity = crypto::KeyPair::generate(random);
};

TEST_F(InboxTest, MessagesAndWhatTheReaderHasSeenAreOneChange) {
  const Bytes sender{1, 2, 3};
  auto inbox = *open();
  const std::vector messages{message("1"), message("")};
  {
    auto change = *inbox.begin();
    EXPECT_TRUE(inbox.put(messages));
    EXPECT_TRUE(*change.put_reader("id", sender, Bytes{7}, Change::Row::fresh));
  }
  EXPECT_EQ(payloads(), std::vector<std::string>{});
  {
    auto change = *inbox.begin();
    EXPECT_EQ(*change.reader("id", sender), std::nullopt);
    EXPECT_TRUE(inbox.put(messages));
    EXPECT_TRUE(*change.put_reader("id", sender, Bytes{7}, Change::Row::fresh));
    EXPECT_TRUE(change.commit());
  }
  EXPECT_EQ(payloads(), (std::vector<std::string>{"1", ""}));
  auto again = *open();
  EXPECT_EQ(*again.begin()->reader("id", sender), crypto::WipedBytes{7});
}

TEST_F(InboxTest, WhatIsMissingIsNull) {
  auto inbox = *open();
  const std::string text = "x";
  auto one = message(text);
  one.durable_stream = {1, 2};
  one.durable_number = 5;
  {
    auto change = *inbox.begin();
    EXPECT_TRUE(inbox.put(std::vector{one}));
    EXPECT_TRUE(change.commit());
  }
  auto database = *Database::open(home.root() / "inbox.db");
  EXPECT_EQ(
      *database.number("SELECT count(*) FROM messages WHERE sent_ms IS NULL AND sender IS NULL"
                       " AND content_type IS NULL AND epoch IS NULL AND typeof(topic) = 'text'"
                       " AND durable_stream = x'0102' AND durable_number = 5"),
      1U);
}

TEST_F(InboxTest, AnotherIdentitysStateIsNotRead) {
  {
    auto inbox = *open();
    auto change = *inbox.begin();
    EXPECT_TRUE(*change.put_reader("id", Bytes{1}, Bytes{7}, Change::Row::fresh));
    EXPECT_TRUE(change.put_waiting("id", 1, Bytes{8}));
    EXPECT_TRUE(change.commit());
  }
  identity = crypto::KeyPair::generate(random);
  auto inbox = *open();
  auto change = *inbox.begin();
  EXPECT_EQ(change.reader("id", Bytes{1}).error().code, Errc::malformed);
  const auto waiting = *change.waiting("id");
  ASSERT_EQ(waiting.size(), 1U);
  EXPECT_FALSE(waiting[0].saved);
}

TEST_F(InboxTest, WhatWaitsComesBackInOrder) {
  auto inbox = *open();
  auto change = *inbox.begin();
  for (std::uint64_t i = 1; i <= 3; ++i) {
    EXPECT_TRUE(change.put_waiting("id", i, Bytes{static_cast<std::uint8_t>(i)}));
  }
  EXPECT_TRUE(change.put_waiting("other", 9, Bytes{9}));
  EXPECT_TRUE(change.remove_waiting("id", 2));
  const auto waiting = *change.waiting("id");
  ASSERT_EQ(waiting.size(), 2U);
  EXPECT_EQ(waiting[0].saved, crypto::WipedBytes{1});
  EXPECT_EQ(waiting[1].id, 3U);
}

TEST_F(InboxTest, OtherFilesAreLeftAsTheyAre) {
  EXPECT_TRUE(Database::open(home.root() / "other")->run("CREATE TABLE messages (id)"));
  TestHome::write(home.root() / "text", std::string(3000, 'x'));
  EXPECT_TRUE(open("later"));
  EXPECT_TRUE(Database::open(home.root() / "later")->run("PRAGMA user_version = 1000"));
  for (const auto* name : {"other", "text", "later"}) {
    SCOPED_TRACE(name);
    const auto before = TestHome::read(home.root() / name);
    const auto opened = open(name);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, name == std::string("text") ? Errc::malformed : Errc::bad_input);
    EXPECT_FALSE(opened.error().hint.empty());
    EXPECT_EQ(TestHome::read(home.root() / name), before);
    EXPECT_FALSE(std::filesystem::exists(Database::suspect_mark(home.root() / name)));
  }
  EXPECT_EQ(open("nowhere/inbox").error().code, Errc::io);
  std::filesystem::create_symlink(home.root() / "later", home.root() / "pointer");
  for (const auto* name : {"pointer", ".", "./"}) {
    EXPECT_EQ(open(name).error().code, Errc::bad_input) << name;
  }
  std::filesystem::create_directory_symlink(home.root(), home.root() / "link");
  EXPECT_TRUE(open("link/inbox"));
}

/// One reader, over all restarts: messages come in order, again from the first that wasn't
/// acknowledged.
class Reader {
 public:
  static constexpr std::uint64_t count = 6;

  /// Until all are there, or the disk fails twice in a row.
  bool work() {
    auto inbox = open();
    if (!inbox) return false;
    const auto seen = inbox->begin().and_then([](Change change) { return saved(change); });
    if (!seen) return false;
    int failures = 0;
    for (auto next = *seen + 1; next <= count;) {
      if (take(*inbox, next)) {
        acknowledged_ = next++;
        failures = 0;
      } else if (++failures == 2) {
        return false;
      }
    }
    return true;
  }

  /// With a disk that works.
  void check() {
    auto inbox = open();
    ASSERT_TRUE(inbox) << inbox.error().message;
    const auto seen = inbox->begin().and_then([](Change change) { return saved(change); });
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_GE(*seen, acknowledged_);
    auto database = Database::open(home_.root() / "inbox.db");
    ASSERT_TRUE(database);
    auto select = Statement::prepare(*database, "SELECT received_ms FROM messages ORDER BY id");
    ASSERT_TRUE(select);
    std::uint64_t there = 0;
    while (*select->step()) EXPECT_EQ(select->integer(0), ++there);
    EXPECT_EQ(there, *seen);
  }

 private:
  Result<Inbox> open() {
    crypto::SeededRandom seeded(1);
    const auto identity = crypto::KeyPair::generate(seeded);
    return Inbox::open({home_.root() / "inbox.db"}, identity.private_key, random_);
  }
  static Result<std::uint64_t> saved(Change& change) {
    return change.reader("id", Bytes{1}).map([](const auto& row) {
      return row ? std::uint64_t{row->at(0)} : 0U;
    });
  }
  bool take(Inbox& inbox, std::uint64_t number) {
    auto change = inbox.begin();
    if (!change) return false;
    Inbox::Message message;
    message.topic = std::string(3000, 't');  // several pages
    message.received_ms = number;
    if (!inbox.put(std::vector{message})) return false;
    const Bytes row{static_cast<std::uint8_t>(number)};
    const auto put = change->put_reader("id", Bytes{1}, row,
                                        number == 1 ? Change::Row::fresh : Change::Row::replaced);
    return put && *put && change->commit();
  }

  TestHome home_;
  crypto::SystemRandom random_;
  std::uint64_t acknowledged_ = 0;
};

using InboxFaultsTest = DiskFaultsTest<Reader>;

TEST_F(InboxFaultsTest, EachWriteFailsOnce) { each_write_fails_once(SQLITE_IOERR_WRITE); }

TEST_F(InboxFaultsTest, TheDiskIsFullAtEachWrite) { each_write_fails_once(SQLITE_FULL); }

TEST_F(InboxFaultsTest, EachSyncFailsOnce) { each_sync_fails_once(); }

TEST_F(InboxFaultsTest, PowerIsLostAtEachWrite) { power_is_lost_at_each_write(); }

}  // namespace
}  // namespace sts::store
