#include "store/inbox.h"

#include <fmt/format.h>

#include <array>

#include "crypto/hash.h"
#include "store/file.h"

namespace sts::store {
namespace {

/// "STSi": tells an inbox from other databases (PRAGMA application_id).
constexpr std::uint64_t application = 0x53545369;

/// For Database::migrate().
constexpr std::array versions = {
    "PRAGMA application_id = 0x53545369;"
    // AUTOINCREMENT: whoever deletes rows, and remembers how far it came, never meets a number
    // twice.
    "CREATE TABLE messages ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, received_ms INTEGER NOT NULL, sent_ms INTEGER,"
    " sender TEXT, sender_key TEXT, topic TEXT NOT NULL, payload BLOB NOT NULL, content_type TEXT,"
    " properties TEXT, epoch INTEGER, counter INTEGER, durable_stream BLOB, durable_number INTEGER,"
    " retain INTEGER NOT NULL, late INTEGER NOT NULL, will INTEGER NOT NULL);",
    reader_schema,
    waiting_schema,
    taken_schema,
};

/// Before anything in the file is changed.
Result<void> is_inbox(Database& database) {
  const auto objects = database.number("SELECT count(*) FROM sqlite_master");
  if (!objects) return tl::unexpected(objects.error());
  const auto of = database.number("PRAGMA application_id");
  if (!of) return tl::unexpected(of.error());
  const auto version = database.number("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  const auto path = database.path().string();
  if (*of != application && (*objects > 0 || *of != 0 || *version != 0)) {
    return fail(Errc::bad_input, path + " is a database of something else than messages of sts",
                "give --store another file: a new one is made");
  }
  if (*version > versions.size()) {
    return fail(Errc::bad_input, path + " is of a later version of sts",
                "use that version, or give --store another file");
  }
  return {};
}

}  // namespace

Result<Inbox> Inbox::open(const Options& options, const crypto::PrivateKey& identity,
                          Random& random) {
  // SQLite is told to follow no links, of which the way there may have some.
  std::error_code error;
  auto path = std::filesystem::absolute(options.path, error).parent_path();
  if (!error) path = std::filesystem::canonical(path, error);
  if (error) {
    return fail(Errc::io, fmt::format("{}: {}", options.path.string(), error.message()),
                "make its directory first");
  }
  path /= options.path.filename();
  auto database = Database::open(path, {is_inbox, "move it away: a new one is made"});
  if (!database) return tl::unexpected(database.error());
  if (auto made = database->migrate(versions); !made) return tl::unexpected(made.error());
  if (!options.survives_power_loss) {
    if (auto set = database->run("PRAGMA synchronous = NORMAL"); !set) {
      return tl::unexpected(set.error());
    }
  }
  return Inbox(std::move(*database), crypto::kdf(identity.bytes(), "STS 2 inbox"), random);
}

Result<void> Inbox::put(std::span<const Message> messages) {
  if (messages.empty()) return {};
  auto insert = Statement::prepare(
      database_,
      "INSERT INTO messages (received_ms, sent_ms, sender, sender_key, topic, payload,"
      " content_type, properties, epoch, counter, durable_stream, durable_number, retain, late,"
      " will) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  if (!insert) return tl::unexpected(insert.error());
  const auto number = [&](int at, const std::optional<std::uint64_t>& value) {
    if (value) return insert->bind(at, *value);
    insert->bind_null(at);
  };
  const auto text = [&](int at, const std::string& value) {
    if (value.empty()) return insert->bind_null(at);
    insert->bind(at, value);
  };
  for (const auto& one : messages) {
    insert->bind(1, one.received_ms);
    number(2, one.sent_ms);
    text(3, one.sender);
    text(4, one.sender_key);
    insert->bind(5, one.topic);
    insert->bind(6, one.payload);
    text(7, one.content_type);
    text(8, one.properties);
    number(9, one.epoch);
    number(10, one.counter);
    if (one.durable_stream.empty()) {
      insert->bind_null(11);
    } else {
      insert->bind(11, one.durable_stream);
    }
    number(12, one.durable_number);
    insert->bind(13, std::uint64_t{one.retain});
    insert->bind(14, std::uint64_t{one.late});
    insert->bind(15, std::uint64_t{one.will});
    if (auto done = insert->run(); !done) return done;
  }
  return {};
}

}  // namespace sts::store
