// Which of other sides' durable messages this one has taken, kept in the database that the messages
// themselves, or the word that they were handed on, go to in the same transaction.
#pragma once

#include <array>
#include <cstdint>

#include "crypto/keys.h"
#include "store/database.h"

namespace sts::store {

/// Of a sender: random.
using QueueId = std::array<std::uint8_t, 8>;

/// Makes the table.
inline constexpr auto taken_schema =
    "CREATE TABLE taken (id INTEGER PRIMARY KEY, peer BLOB NOT NULL, queue BLOB NOT NULL,"
    " next INTEGER NOT NULL, UNIQUE (peer, queue));";

/// The lowest number of the queue that was not taken.
Result<std::uint64_t> taken_next(Database& database, const crypto::PublicKey& peer,
                                 const QueueId& queue);
/// Forgets the oldest of too many queues of the peer.
Result<void> put_taken(Database& database, const crypto::PublicKey& peer, const QueueId& queue,
                       std::uint64_t next);

}  // namespace sts::store
