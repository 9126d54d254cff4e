// What readers of channels and sessions keep between processes, in whichever database: the state's
// own, or the inbox's beside the messages. What is secret in it is sealed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "crypto/secret.h"
#include "crypto/wiped.h"
#include "store/database.h"
#include "store/taken.h"

namespace sts::store {

/// Make the tables, which came into being in this order.
inline constexpr auto reader_schema =
    "CREATE TABLE reader (client BLOB NOT NULL, sender BLOB NOT NULL, saved BLOB NOT NULL,"
    "PRIMARY KEY (client, sender)) WITHOUT ROWID;";
inline constexpr auto waiting_schema =
    "CREATE TABLE waiting (client BLOB NOT NULL, id INTEGER NOT NULL, saved BLOB NOT NULL,"
    "PRIMARY KEY (client, id)) WITHOUT ROWID;";

class ReaderStore {
 public:
  /// A change to it, of one process at a time. Without commit() it never happened; after it no
  /// crash can undo it.
  class Change {
   public:
    Change(Change&& other) noexcept : store_(std::exchange(other.store_, nullptr)) {}
    Change& operator=(Change&&) = delete;
    ~Change();

    /// What the reader with this client id has stored of the sender, or nullopt.
    /// Errc::malformed where it can't be opened: damaged, or another identity's.
    Result<std::optional<crypto::WipedBytes>> reader(std::string_view client_id, ByteView sender);
    enum class Row { fresh, replaced };
    /// False, and nothing stored, where Row::replaced isn't there any more.
    Result<bool> put_reader(std::string_view client_id, ByteView sender, ByteView saved, Row row);
    /// What all readers have stored of the sender; how many had.
    Result<std::uint64_t> remove_readers(ByteView sender);

    struct Waiting {
      std::uint64_t id = 0;
      std::optional<crypto::WipedBytes> saved;  // none: it can't be opened
    };
    /// What waits for its key at the reader with this client id, in order.
    Result<std::vector<Waiting>> waiting(std::string_view client_id);
    Result<void> put_waiting(std::string_view client_id, std::uint64_t id, ByteView saved);
    Result<void> remove_waiting(std::string_view client_id, std::uint64_t id);

    /// As in store/taken.h.
    Result<std::uint64_t> taken_next(const crypto::PublicKey& peer, const QueueId& queue);
    Result<void> put_taken(const crypto::PublicKey& peer, const QueueId& queue, std::uint64_t next);

    Result<void> commit();

   protected:
    friend class ReaderStore;
    explicit Change(ReaderStore& store) : store_(&store) {}
    ReaderStore* store_;
  };
  /// Waits for other processes. The store must outlive the change.
  Result<Change> begin();

 protected:
  ReaderStore(Database database, crypto::Secret<32> key, Random& random)
      : database_(std::move(database)), key_(std::move(key)), random_(random) {}

  /// `name` says which row it is.
  Bytes seal(ByteView name, ByteView plaintext);
  std::optional<crypto::WipedBytes> open_sealed(ByteView name, ByteView sealed) const;
  Result<void> begin_change();

  Database database_;
  crypto::Secret<32> key_;
  Random& random_;
};

}  // namespace sts::store
