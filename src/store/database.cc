#include "store/database.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <type_traits>

#include "store/file.h"

namespace sts::store {
namespace {

constexpr int patience_ms = 30'000;

/// What is used of libsqlite3, which is loaded with the first database: linked, it would cost
/// memory in all that keep no state (docs/dependencies.md).
struct Sqlite {
  decltype(&sqlite3_open_v2) open;
  decltype(&sqlite3_close) close;
  decltype(&sqlite3_busy_timeout) busy_timeout;
  decltype(&sqlite3_exec) exec;
  decltype(&sqlite3_file_control) file_control;
  decltype(&sqlite3_errcode) errcode;
  decltype(&sqlite3_errmsg) errmsg;
  decltype(&sqlite3_prepare_v2) prepare;
  decltype(&sqlite3_finalize) finalize;
  decltype(&sqlite3_step) step;
  decltype(&sqlite3_reset) reset;
  decltype(&sqlite3_bind_int64) bind_int64;
  decltype(&sqlite3_bind_blob64) bind_blob64;
  decltype(&sqlite3_bind_text) bind_text;
  decltype(&sqlite3_bind_null) bind_null;
  decltype(&sqlite3_column_int64) column_int64;
  decltype(&sqlite3_column_blob) column_blob;
  decltype(&sqlite3_column_bytes) column_bytes;
};

/// nullopt where it isn't installed. It stays loaded to the end: databases may be open until then.
std::optional<Sqlite> load() {
  void* handle = ::dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return std::nullopt;
  bool complete = true;
  const auto find = [&](auto& function, const char* name) {
    void* found = ::dlsym(handle, name);
    complete = complete && found != nullptr;
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(found);
  };
  Sqlite out{};
  find(out.open, "sqlite3_open_v2");
  find(out.close, "sqlite3_close");
  find(out.busy_timeout, "sqlite3_busy_timeout");
  find(out.exec, "sqlite3_exec");
  find(out.file_control, "sqlite3_file_control");
  find(out.errcode, "sqlite3_errcode");
  find(out.errmsg, "sqlite3_errmsg");
  find(out.prepare, "sqlite3_prepare_v2");
  find(out.finalize, "sqlite3_finalize");
  find(out.step, "sqlite3_step");
  find(out.reset, "sqlite3_reset");
  find(out.bind_int64, "sqlite3_bind_int64");
  find(out.bind_blob64, "sqlite3_bind_blob64");
  find(out.bind_text, "sqlite3_bind_text");
  find(out.bind_null, "sqlite3_bind_null");
  find(out.column_int64, "sqlite3_column_int64");
  find(out.column_blob, "sqlite3_column_blob");
  find(out.column_bytes, "sqlite3_column_bytes");
  if (!complete) return std::nullopt;
  return out;
}

const std::optional<Sqlite>& library() {
  static const auto loaded = load();
  return loaded;
}

/// Only where Database::open() has seen that it is there.
const Sqlite& sqlite() {
  if (!library()) std::abort();
  return *library();
}

/// Before SQLite does, and for us alone; its other files take over the mode. One that is there is
/// not opened: closing it would take away the locks of this process's other connections (fcntl(2)),
/// and with them what keeps other processes from removing the log.
Result<void> make_private(const std::filesystem::path& path) {
  const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (made >= 0) {
    ::close(made);
    return {};
  }
  struct stat status {};
  if ((errno != EEXIST && errno != EISDIR) || ::lstat(path.c_str(), &status) != 0) {
    return fail(Errc::io, fmt::format("{}: {}", path.string(), std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(Errc::bad_input, path.string() + " is no file", "name the file itself");
  }
  if ((status.st_mode & 0077U) == 0) return {};
  return fail(Errc::refused, fmt::format("others can read or write {}", path.string()),
              "chmod 600 " + shell_word(path.string()));
}

}  // namespace

std::filesystem::path Database::suspect_mark(const std::filesystem::path& path) {
  return path.string() + ".suspect";
}

void Database::Close::operator()(sqlite3* handle) const { sqlite().close(handle); }
void Statement::Finalize::operator()(sqlite3_stmt* handle) const { sqlite().finalize(handle); }

Result<Database> Database::open(const std::filesystem::path& path, const Options& options) {
  if (!library()) {
    return fail(Errc::io, "libsqlite3 can't be loaded, which keeps state and messages",
                "apt install libsqlite3-0");
  }
  if (auto made = make_private(path); !made) return tl::unexpected(made.error());
  sqlite3* handle = nullptr;
  const int opened =
      sqlite().open(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, nullptr);
  Database database(path, handle, options.mend);
  if (opened != SQLITE_OK) return tl::unexpected(database.error());
  sqlite().busy_timeout(handle, patience_ms);
  if (options.check != nullptr) {
    if (auto good = options.check(database); !good) return tl::unexpected(good.error());
  }
  // FULL: what was committed survives the loss of power. What is free again can be given back to
  // the disk, if the file was made that way; the log shrinks by itself.
  auto set = database.run(
      "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
      "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = "
      "4194304;");
  if (!set) return tl::unexpected(set.error());
  return database;
}

Result<void> Database::run(const std::string& sql) {
  if (sqlite().exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return tl::unexpected(error());
  }
  return {};
}

Result<std::uint64_t> Database::number(std::string_view sql) {
  auto statement = Statement::prepare(*this, sql);
  if (!statement) return tl::unexpected(statement.error());
  const auto row = statement->step();
  if (!row) return tl::unexpected(row.error());
  return *row ? statement->integer(0) : 0;
}

Result<void> Database::migrate(std::span<const char* const> versions) {
  auto is = number("PRAGMA user_version");
  if (!is) return tl::unexpected(is.error());
  if (*is >= versions.size()) return {};
  if (auto begun = run("BEGIN IMMEDIATE"); !begun) return begun;
  is = number("PRAGMA user_version");  // another process may have been at it
  auto done = is.and_then([&](auto next) {
    std::string sql;
    for (; next < versions.size(); ++next) {
      sql += versions[next] + fmt::format("PRAGMA user_version = {};", next + 1);
    }
    return run(sql + "COMMIT");
  });
  if (!done) (void)run("ROLLBACK");
  return done;
}

Result<std::uint32_t> Database::id_in_file() {
  constexpr sqlite3_int64 offset = 68;  // of SQLite's file format
  std::array<std::uint8_t, 4> bytes{};
  sqlite3_file* file = nullptr;
  int code = sqlite().file_control(handle_.get(), "main", SQLITE_FCNTL_FILE_POINTER,
                                   static_cast<void*>(&file));
  if (code == SQLITE_OK) code = file->pMethods->xRead(file, bytes.data(), bytes.size(), offset);
  // What is short ends in zeros.
  if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ) {
    return fail(Errc::io, path_.string() + ": can't be read");
  }
  std::uint32_t out = 0;
  for (const auto byte : bytes) out = out << 8U | byte;
  return out;
}

Error Database::error() const {
  const int code = sqlite().errcode(handle_.get());
  Error out{Errc::io, fmt::format("{}: {}", path_.string(), sqlite().errmsg(handle_.get()))};
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) {
    out.code = Errc::malformed;
    if (mend_ != nullptr) {
      out.hint = mend_;
      return out;
    }
    const auto mark = suspect_mark(path_);
    const int file = ::open(mark.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file >= 0) ::close(file);
    out.hint = "run it again: what is damaged is moved aside, and a new one made";
  } else if (code == SQLITE_FULL) {
    out.hint = "make room on the disk";
  }
  return out;
}

Result<Statement> Statement::prepare(Database& database, std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  if (sqlite().prepare(database.handle_.get(), sql.data(), static_cast<int>(sql.size()), &handle,
                       nullptr) != SQLITE_OK) {
    return tl::unexpected(database.error());
  }
  return Statement(database, handle);
}

// Only a number that the statement doesn't have makes a bind fail.
void Statement::bind(int parameter, std::uint64_t value) {
  sqlite().bind_int64(handle_.get(), parameter, static_cast<sqlite3_int64>(value));
}
void Statement::bind(int parameter, ByteView bytes) {
  // A null pointer would be NULL.
  const void* data = bytes.empty() ? static_cast<const void*>("") : bytes.data();
  sqlite().bind_blob64(handle_.get(), parameter, data, bytes.size(), SQLITE_STATIC);
}
void Statement::bind(int parameter, std::string_view text) {
  sqlite().bind_text(handle_.get(), parameter, text.data(), static_cast<int>(text.size()),
                     SQLITE_STATIC);
}
void Statement::bind_null(int parameter) { sqlite().bind_null(handle_.get(), parameter); }

Result<bool> Statement::step() {
  const int outcome = sqlite().step(handle_.get());
  if (outcome == SQLITE_ROW) return true;
  if (outcome == SQLITE_DONE) return false;
  return tl::unexpected(database_->error());
}

Result<void> Statement::run() {
  const auto row = step();
  if (!row) return tl::unexpected(row.error());
  reset();
  return {};
}

// What it returns is the error of the last step, which that told.
void Statement::reset() { (void)sqlite().reset(handle_.get()); }

std::uint64_t Statement::integer(int column) const {
  return static_cast<std::uint64_t>(sqlite().column_int64(handle_.get(), column));
}
ByteView Statement::blob(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite().column_blob(handle_.get(), column));
  return {data, static_cast<std::size_t>(sqlite().column_bytes(handle_.get(), column))};
}

}  // namespace sts::store
