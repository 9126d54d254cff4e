// SQLite, as thin as it gets: a connection, and statements that end with their scope.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sts::store {

class Database {
 public:
  struct Options {
    /// Is asked before anything is changed in the file; an error is open()'s.
    Result<void> (*check)(Database& database) = nullptr;
    /// What to do where it is damaged; null: it is the state, of which suspect_mark() takes care.
    const char* mend = nullptr;
  };
  /// Opens the file, which is made, 0600, where it is missing. Waits up to 30 s for other
  /// processes. Whatever is deleted is overwritten.
  static Result<Database> open(const std::filesystem::path& path, const Options& options);
  static Result<Database> open(const std::filesystem::path& path) { return open(path, Options()); }
  const std::filesystem::path& path() const { return path_; }

  /// One statement or several, without results.
  Result<void> run(const std::string& sql);
  /// The first column of the first row; 0 where there is none.
  Result<std::uint64_t> number(std::string_view sql);
  /// Runs, in one transaction, what each version of the schema adds to the one before; PRAGMA
  /// user_version counts them. What was released is never changed, only added to.
  Result<void> migrate(std::span<const char* const> versions);
  /// PRAGMA application_id as it is in the file itself, without what its log changes.
  Result<std::uint32_t> id_in_file();
  /// "what went wrong", of the last call that failed; Errc::io, or Errc::malformed for a damaged
  /// file, which for the state a file of the name of suspect_mark() tells whoever opens it next.
  Error error() const;
  static std::filesystem::path suspect_mark(const std::filesystem::path& path);

 private:
  friend class Statement;
  struct Close {
    void operator()(sqlite3* handle) const;
  };

  Database(std::filesystem::path path, sqlite3* handle, const char* mend)
      : path_(std::move(path)), mend_(mend), handle_(handle) {}

  std::filesystem::path path_;
  const char* mend_;
  std::unique_ptr<sqlite3, Close> handle_;
};

/// A statement with its parameters, numbered from 1. What a step returned lives until the next one.
class Statement {
 public:
  static Result<Statement> prepare(Database& database, std::string_view sql);

  void bind(int parameter, std::uint64_t value);
  /// The bytes must live until the statement is done.
  void bind(int parameter, ByteView bytes);
  /// As TEXT. It must live as long.
  void bind(int parameter, std::string_view text);
  void bind_null(int parameter);

  /// True where there is a row, false at the end.
  Result<bool> step();
  /// To its end, for one without results; then it can be bound and run again.
  Result<void> run();
  /// Back to its start, to be bound again.
  void reset();
  std::uint64_t integer(int column) const;
  ByteView blob(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const;
  };
  Statement(Database& database, sqlite3_stmt* handle) : database_(&database), handle_(handle) {}

  Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

}  // namespace sts::store
