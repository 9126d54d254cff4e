#include "store/state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "base/reader.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "store/file.h"

namespace sts::store {
namespace {

/// For Database::migrate().
constexpr std::array versions = {
    "CREATE TABLE identity (epoch INTEGER NOT NULL, signs INTEGER NOT NULL);"
    "INSERT INTO identity VALUES (0, 0);"
    "CREATE TABLE sender (name BLOB PRIMARY KEY, saved BLOB NOT NULL) WITHOUT ROWID;",
    taken_schema,
    reader_schema,
    // The outbox (outbox.cc).
    "CREATE TABLE queue (id INTEGER PRIMARY KEY, name BLOB NOT NULL, place BLOB NOT NULL,"
    " stream BLOB NOT NULL, next INTEGER NOT NULL, UNIQUE (name, place));"
    "CREATE TABLE outbox (seq INTEGER PRIMARY KEY, queue INTEGER NOT NULL,"
    " number INTEGER NOT NULL, size INTEGER NOT NULL, accepted INTEGER NOT NULL,"
    " sealed BLOB NOT NULL);"
    "CREATE TABLE outbox_total (next INTEGER NOT NULL, messages INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, latest INTEGER NOT NULL, dropped_full INTEGER NOT NULL,"
    " dropped_old INTEGER NOT NULL);"
    "INSERT INTO outbox_total VALUES (1, 0, 0, 0, 0, 0);",
    waiting_schema,
    // `mark` is on the file, too (find_place()).
    "ALTER TABLE identity ADD COLUMN mark BLOB NOT NULL DEFAULT x'';"
    "ALTER TABLE identity ADD COLUMN salt BLOB NOT NULL DEFAULT x'';",
    "ALTER TABLE queue ADD COLUMN apart INTEGER NOT NULL DEFAULT 0;",
    // The count of the last change that was in the file itself (find_place()).
    "ALTER TABLE identity ADD COLUMN in_file INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE identity ADD COLUMN behind INTEGER NOT NULL DEFAULT 0;",
};

constexpr std::size_t place_size = 16, mark_size = 8;

/// Before anything in the file is changed.
Result<void> is_known(Database& database) {
  const auto version = database.number("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  if (*version <= versions.size()) return {};
  return fail(Errc::bad_input, database.path().string() + " is of a later version of sts",
              "use that version, or another STS_HOME");
}

Result<void> check_all(Database& database) {
  auto all = Statement::prepare(database, "PRAGMA quick_check(1)");
  if (!all) return tl::unexpected(all.error());
  const auto row = all->step();
  if (!row) return tl::unexpected(row.error());
  if (as_text(all->blob(0)) == "ok") return {};
  return fail(Errc::malformed, database.path().string() + " is damaged");
}

/// Only what costs little, unless somebody has met an error: then all of it.
Result<void> check(Database& database) {
  auto touched = database.number(
      "SELECT (SELECT epoch FROM identity), (SELECT count(*) FROM sender),"
      " (SELECT count(*) FROM queue), (SELECT min(seq) FROM outbox),"
      " (SELECT max(seq) FROM outbox), (SELECT next FROM outbox_total)");
  if (!touched) return tl::unexpected(touched.error());
  const auto mark = Database::suspect_mark(database.path());
  std::error_code error;
  if (!std::filesystem::exists(mark, error)) return {};
  if (auto good = check_all(database); !good) return good;
  std::filesystem::remove(mark, error);
  return {};
}

/// With its log, so that tools can still look for what was in it. Returns where it is now.
Result<std::string> move_aside(const std::string& path) {
  std::string to;
  std::error_code error;
  for (int i = 1; to.empty() || std::filesystem::exists(to, error); ++i) {
    to = fmt::format("{}.damaged-{}", path, i);
  }
  std::filesystem::rename(path, to, error);
  if (error) return fail(Errc::io, fmt::format("{}: {}", path, error.message()));
  std::filesystem::rename(path + "-wal", to + "-wal", error);
  std::filesystem::remove(path + "-shm", error);
  std::filesystem::remove(Database::suspect_mark(path), error);
  return to;
}

/// Of counts, which have 32 bits and go on at 0.
bool before(std::uint32_t one, std::uint32_t other) {
  return static_cast<std::int32_t>(one - other) < 0;
}

}  // namespace

Bytes State::file_place(const std::filesystem::path& path) {
  Bytes out;
  const auto boot = read_file("/proc/sys/kernel/random/boot_id", 64);
  struct statx status {};
  if (!boot || !*boot ||
      ::statx(AT_FDCWD, path.c_str(), 0, STATX_INO | STATX_BTIME, &status) != 0) {
    return out;
  }
  sts::append(out, as_bytes(view((*boot)->text)));
  for (const std::uint64_t part :
       {std::uint64_t{status.stx_dev_major}, std::uint64_t{status.stx_dev_minor},
        std::uint64_t{status.stx_ino}, static_cast<std::uint64_t>(status.stx_btime.tv_sec),
        std::uint64_t{status.stx_btime.tv_nsec}}) {  // 0 where files have no birth
    put_varint(out, part);
  }
  return out;
}

State::State(Database database, crypto::Secret<32> key, Random& random)
    : ReaderStore(std::move(database), std::move(key), random),
      marks_(database_.path()),
      file_place_(file_place(database_.path())) {
  if (!file_place_.empty()) return;
  file_place_.resize(place_.size());  // who knows: nothing goes on
  random.fill(file_place_);
}

Result<State> State::open(const Home& home, const crypto::PrivateKey& identity, Random& random) {
  // Makes the directory, and keeps the schema from being made twice.
  auto lock = HomeLock::acquire(home);
  if (!lock) return tl::unexpected(lock.error());
  if (auto safe = check_home(home); !safe) return tl::unexpected(safe.error());
  auto out = open_whole(home, identity, random);
  if (out || out.error().code != Errc::malformed) return out;
  const auto path = home.state_file().string();
  auto moved = move_aside(path);
  if (!moved) return tl::unexpected(moved.error());
  auto fresh = open_whole(home, identity, random);
  if (!fresh) return fresh;
  fresh->warning_ = fmt::format(
      "{} was damaged and is now {}: messages that waited in it are not sent, what its readers "
      "had seen may come again, keys begin anew, and --sign may have to be said again",
      path, *moved);
  return fresh;
}

Result<State> State::open_whole(const Home& home, const crypto::PrivateKey& identity,
                                Random& random) {
  auto database = Database::open(home.state_file(), {is_known});
  if (!database) return tl::unexpected(database.error());
  if (auto done = database->migrate(versions); !done) return tl::unexpected(done.error());
  if (auto good = check(*database); !good) return tl::unexpected(good.error());
  State out(std::move(*database), crypto::kdf(identity.bytes(), "STS 2 state"), random);
  if (auto told = out.tell_older(); !told) return tl::unexpected(told.error());
  return out;
}

Result<void> State::tell_older() {
  auto change = begin();
  if (!change) return tl::unexpected(change.error());
  if (!change->older_) return {};
  // Where its log has lost its end, older pages may lie among newer ones.
  if (auto good = check_all(database_); !good) return good;
  // Once: from now on this is the last that was written.
  if (auto done = change->commit(); !done) return done;
  warning_ = fmt::format(
      "{} is a copy, or not what was written last: messages that were accepted last may be lost, "
      "what its readers have seen last may come again, keys begin anew, and a --sign since then "
      "may have to be said again",
      database_.path().string());
  return {};
}

Result<State::Change> State::begin() {
  if (auto begun = begin_change(); !begun) return tl::unexpected(begun.error());
  Change out(*this);
  if (auto found = out.find_place(); !found) return tl::unexpected(found.error());
  return out;
}

// Each change leaves a new random mark, in the file and on it. On it both the old and the new are
// while it is committed, so that after a crash either is known; with the next change only one is.
//
// SQLite lays its log over whatever file it finds. So that the log's mark doesn't vouch for an
// older file below it, each change counts on in the file's first page, and notes the count that it
// found in the file itself: that comes there from the log, with all pages, and only grows.
Result<void> State::Change::find_place() {
  auto& database = state().database_;
  const auto in_file = database.id_in_file();
  if (!in_file) return tl::unexpected(in_file.error());
  found_in_file_ = *in_file;
  const auto count = database.number("PRAGMA application_id");
  if (!count) return tl::unexpected(count.error());
  count_ = static_cast<std::uint32_t>(*count);
  Bytes data = state().file_place_;
  {
    auto select = Statement::prepare(database, "SELECT mark, salt, in_file FROM identity");
    if (!select) return tl::unexpected(select.error());
    if (const auto row = select->step(); !row) return tl::unexpected(row.error());
    mark_ = to_bytes(select->blob(0));
    sts::append(data, select->blob(1));
    const auto noted = static_cast<std::uint32_t>(select->integer(2));
    older_ = before(found_in_file_, noted) || before(count_, found_in_file_) ||
             before(found_in_file_, state().last_in_file_.value_or(found_in_file_));
  }
  older_ = !state().marks_.keep_only(mark_) || older_;
  if (older_) {
    std::array<std::uint8_t, mark_size> salt{};
    state().random_.fill(salt);
    auto update = Statement::prepare(database, "UPDATE identity SET salt = ?, behind = 1");
    if (!update) return tl::unexpected(update.error());
    update->bind(1, salt);
    if (auto done = update->run(); !done) return done;
    sts::append(data, salt);
  }
  const auto digest = crypto::hash(data);
  std::copy_n(digest.begin(), state().place_.size(), state().place_.begin());
  return {};
}

Result<void> State::Change::commit() {
  auto& state = this->state();  // which the commit lets go of
  std::array<std::uint8_t, mark_size> mark{};
  state.random_.fill(mark);
  auto update = Statement::prepare(state.database_, "UPDATE identity SET mark = ?, in_file = ?");
  if (!update) return tl::unexpected(update.error());
  update->bind(1, mark);
  update->bind(2, std::uint64_t{found_in_file_});
  if (auto done = update->run(); !done) return done;
  const auto count = (before(count_, found_in_file_) ? found_in_file_ : count_) + 1;
  auto counted = state.database_.run(
      fmt::format("PRAGMA application_id = {}", static_cast<std::int32_t>(count)));
  if (!counted) return counted;
  if (auto added = state.marks_.add(mark); !added) return added;
  if (auto done = ReaderStore::Change::commit(); !done) return done;
  if (!mark_.empty()) state.marks_.remove(mark_);
  // With the commit the log may have gone into the file, while SQLite remembers what was there.
  if (const auto now = state.database_.id_in_file()) state.last_in_file_ = *now;
  return {};
}

Result<std::uint64_t> State::Change::next_epoch(std::uint64_t at_least) {
  auto last = state().database_.number("SELECT epoch FROM identity");
  if (!last) return last;
  const auto next = std::max(*last + 1, at_least);
  auto update = Statement::prepare(state().database_, "UPDATE identity SET epoch = ?");
  if (!update) return tl::unexpected(update.error());
  update->bind(1, next);
  if (auto done = update->run(); !done) return tl::unexpected(done.error());
  return next;
}

Result<bool> State::Change::behind() {
  const auto behind = state().database_.number("SELECT epoch = 0 OR behind FROM identity");
  if (!behind) return tl::unexpected(behind.error());
  return *behind != 0;
}

Result<void> State::Change::found(std::uint64_t epoch) {
  auto update = Statement::prepare(state().database_,
                                   "UPDATE identity SET epoch = max(epoch, ?), behind = 0");
  if (!update) return tl::unexpected(update.error());
  update->bind(1, epoch);
  return update->run();
}

Result<std::vector<State::Change::Sender>> State::Change::senders() {
  auto select = Statement::prepare(state().database_, "SELECT name, saved FROM sender");
  if (!select) return tl::unexpected(select.error());
  std::vector<Sender> out;
  for (;;) {
    const auto row = select->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return out;
    auto opened = state().open_sealed(select->blob(0), select->blob(1));
    if (!opened || opened->size() < place_size) {
      return fail(Errc::malformed, "the state is another identity's, or damaged",
                  "move state.db in STS_HOME away: a new one is made");
    }
    const bool ours = std::ranges::equal(ByteView(*opened).first(place_size), state().place_);
    out.push_back({to_bytes(select->blob(0)), {opened->begin() + place_size, opened->end()}, ours});
  }
}

Result<void> State::Change::put_sender(ByteView name, ByteView saved) {
  auto put = Statement::prepare(state().database_, "REPLACE INTO sender VALUES (?, ?)");
  if (!put) return tl::unexpected(put.error());
  crypto::WipedBytes plaintext;
  append(plaintext, state().place_);
  append(plaintext, saved);
  const Bytes sealed = state().seal(name, plaintext);
  put->bind(1, name);
  put->bind(2, sealed);
  return put->run();
}

Result<bool> State::Change::signs() {
  const auto signs = state().database_.number("SELECT signs FROM identity");
  if (!signs) return tl::unexpected(signs.error());
  return *signs != 0;
}

Result<void> State::Change::set_signs() {
  return state().database_.run("UPDATE identity SET signs = 1");
}

Result<void> State::Change::remove_sender(ByteView name) {
  auto remove = Statement::prepare(state().database_, "DELETE FROM sender WHERE name = ?");
  if (!remove) return tl::unexpected(remove.error());
  remove->bind(1, name);
  return remove->run();
}

}  // namespace sts::store
