#include "store/reader_store.h"

#include "base/reader.h"
#include "crypto/aead.h"
#include "crypto/hash.h"

namespace sts::store {
namespace {

constexpr std::size_t salt_size = 32;

/// How many rows it returns.
Result<std::uint64_t> rows_of(Statement statement) {
  for (std::uint64_t count = 0;; ++count) {
    const auto row = statement.step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return count;
  }
}

/// Which row it is, in what is sealed there.
Bytes reader_name(std::string_view client_id, ByteView sender) {
  Bytes out = to_bytes(as_bytes("reader"));
  put_sized(out, as_bytes(client_id));
  sts::append(out, sender);
  return out;
}

Bytes waiting_name(std::string_view client_id, std::uint64_t id) {
  Bytes out = to_bytes(as_bytes("waiting"));
  put_sized(out, as_bytes(client_id));
  put_varint(out, id);
  return out;
}

}  // namespace

Result<void> ReaderStore::begin_change() { return database_.run("BEGIN IMMEDIATE"); }

Result<ReaderStore::Change> ReaderStore::begin() {
  return begin_change().map([this] { return Change(*this); });
}

ReaderStore::Change::~Change() {
  if (store_ != nullptr) (void)store_->database_.run("ROLLBACK");
}

Result<void> ReaderStore::Change::commit() {
  auto done = store_->database_.run("COMMIT");
  if (done) store_ = nullptr;
  return done;
}

Result<std::optional<crypto::WipedBytes>> ReaderStore::Change::reader(std::string_view client_id,
                                                                      ByteView sender) {
  auto select = Statement::prepare(store_->database_,
                                   "SELECT saved FROM reader WHERE client = ? AND sender = ?");
  if (!select) return tl::unexpected(select.error());
  select->bind(1, as_bytes(client_id));
  select->bind(2, sender);
  const auto row = select->step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return std::nullopt;
  auto opened = store_->open_sealed(reader_name(client_id, sender), select->blob(0));
  if (!opened) return fail(Errc::malformed, "it is another identity's, or damaged");
  return opened;
}

Result<bool> ReaderStore::Change::put_reader(std::string_view client_id, ByteView sender,
                                             ByteView saved, Row row) {
  auto put = Statement::prepare(
      store_->database_, row == Row::fresh
                             ? "REPLACE INTO reader (client, sender, saved) VALUES (?, ?, ?) "
                               "RETURNING 1"
                             : "UPDATE reader SET saved = ?3 WHERE client = ?1 AND sender = ?2 "
                               "RETURNING 1");
  if (!put) return tl::unexpected(put.error());
  const Bytes sealed = store_->seal(reader_name(client_id, sender), saved);
  put->bind(1, as_bytes(client_id));
  put->bind(2, sender);
  put->bind(3, sealed);
  return rows_of(std::move(*put)).map([](std::uint64_t rows) { return rows > 0; });
}

Result<std::uint64_t> ReaderStore::Change::remove_readers(ByteView sender) {
  auto remove =
      Statement::prepare(store_->database_, "DELETE FROM reader WHERE sender = ? RETURNING 1");
  if (!remove) return tl::unexpected(remove.error());
  remove->bind(1, sender);
  return rows_of(std::move(*remove));
}

Result<std::vector<ReaderStore::Change::Waiting>> ReaderStore::Change::waiting(
    std::string_view client_id) {
  auto select = Statement::prepare(store_->database_,
                                   "SELECT id, saved FROM waiting WHERE client = ? ORDER BY id");
  if (!select) return tl::unexpected(select.error());
  select->bind(1, as_bytes(client_id));
  std::vector<Waiting> out;
  for (;;) {
    const auto row = select->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return out;
    const auto id = select->integer(0);
    out.push_back({id, store_->open_sealed(waiting_name(client_id, id), select->blob(1))});
  }
}

Result<void> ReaderStore::Change::put_waiting(std::string_view client_id, std::uint64_t id,
                                              ByteView saved) {
  auto put = Statement::prepare(store_->database_, "REPLACE INTO waiting VALUES (?, ?, ?)");
  if (!put) return tl::unexpected(put.error());
  const Bytes sealed = store_->seal(waiting_name(client_id, id), saved);
  put->bind(1, as_bytes(client_id));
  put->bind(2, id);
  put->bind(3, sealed);
  return put->run();
}

Result<void> ReaderStore::Change::remove_waiting(std::string_view client_id, std::uint64_t id) {
  auto remove =
      Statement::prepare(store_->database_, "DELETE FROM waiting WHERE client = ? AND id = ?");
  if (!remove) return tl::unexpected(remove.error());
  remove->bind(1, as_bytes(client_id));
  remove->bind(2, id);
  return remove->run();
}

Result<std::uint64_t> ReaderStore::Change::taken_next(const crypto::PublicKey& peer,
                                                      const QueueId& queue) {
  return store::taken_next(store_->database_, peer, queue);
}

Result<void> ReaderStore::Change::put_taken(const crypto::PublicKey& peer, const QueueId& queue,
                                            std::uint64_t next) {
  return store::put_taken(store_->database_, peer, queue, next);
}

// A key of its own each time, so that its nonce is used once.
Bytes ReaderStore::seal(ByteView name, ByteView plaintext) {
  Bytes out(salt_size);
  random_.fill(out);
  const auto key = crypto::kdf(key_.bytes(), "STS 2 state row", out);
  crypto::aead_seal(key, 0, name, plaintext, out);
  return out;
}

std::optional<crypto::WipedBytes> ReaderStore::open_sealed(ByteView name, ByteView sealed) const {
  if (sealed.size() < salt_size + crypto::tag_size) return std::nullopt;
  const auto key = crypto::kdf(key_.bytes(), "STS 2 state row", sealed.first(salt_size));
  crypto::WipedBytes out;
  if (!crypto::aead_open(key, 0, name, sealed.subspan(salt_size), out)) return std::nullopt;
  return out;
}

}  // namespace sts::store
