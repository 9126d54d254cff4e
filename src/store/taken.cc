#include "store/taken.h"

namespace sts::store {

Result<std::uint64_t> taken_next(Database& database, const crypto::PublicKey& peer,
                                 const QueueId& queue) {
  auto select = Statement::prepare(database, "SELECT next FROM taken WHERE peer = ? AND queue = ?");
  if (!select) return tl::unexpected(select.error());
  select->bind(1, peer.view());
  select->bind(2, queue);
  const auto row = select->step();
  if (!row) return tl::unexpected(row.error());
  return *row ? select->integer(0) : 0;
}

Result<void> put_taken(Database& database, const crypto::PublicKey& peer, const QueueId& queue,
                       std::uint64_t next) {
  auto put = Statement::prepare(
      database,
      "INSERT INTO taken (peer, queue, next) VALUES (?, ?, ?)"
      " ON CONFLICT (peer, queue) DO UPDATE SET next = max(next, excluded.next)");
  if (!put) return tl::unexpected(put.error());
  put->bind(1, peer.view());
  put->bind(2, queue);
  put->bind(3, next);
  if (auto done = put->step(); !done) return tl::unexpected(done.error());
  // A sender that lost its queue has another one; it must not fill our disk with them.
  auto forget =
      Statement::prepare(database,
                         "DELETE FROM taken WHERE peer = ?1 AND id NOT IN"
                         " (SELECT id FROM taken WHERE peer = ?1 ORDER BY id DESC LIMIT 64)");
  if (!forget) return tl::unexpected(forget.error());
  forget->bind(1, peer.view());
  if (auto done = forget->step(); !done) return tl::unexpected(done.error());
  return {};
}

}  // namespace sts::store
