// The inbox: received messages in a SQLite file of the user's, and in the same transactions what
// the reader has seen, so that each is there exactly once. sts-sub(1) documents the schema.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "crypto/keys.h"
#include "store/reader_store.h"

namespace sts::store {

class Inbox : public ReaderStore {
 public:
  struct Options {
    std::filesystem::path path;
    bool survives_power_loss = true;  // else the last moments before it may not
  };
  /// Makes the file, 0600, where it is missing or empty. Errc::bad_input, and the file as it was,
  /// for one that is no inbox or of a later version; Errc::malformed for a damaged one; Errc::io.
  static Result<Inbox> open(const Options& options, const crypto::PrivateKey& identity,
                            Random& random);

  /// A row of the table `messages`; text in UTF-8. Of an empty one the column is NULL.
  struct Message {
    std::uint64_t received_ms = 0;              // since 1970, by this side's clock
    std::optional<std::uint64_t> sent_ms = {};  // by the sender's
    std::string sender, sender_key, topic;
    ByteView payload = {};
    std::string content_type, properties;
    std::optional<std::uint64_t> epoch = {}, counter = {};
    Bytes durable_stream = {};
    std::optional<std::uint64_t> durable_number = {};
    bool retain = false, late = false, will = false;
  };
  /// As part of a change to this inbox.
  Result<void> put(std::span<const Message> messages);

 private:
  using ReaderStore::ReaderStore;
};

}  // namespace sts::store
