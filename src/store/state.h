// What has to outlive a process: STS_HOME/state.db, shared by all processes of an identity. What is
// secret in it is sealed under a key that follows from the identity.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "store/database.h"
#include "store/file_marks.h"
#include "store/home.h"
#include "store/reader_store.h"

namespace sts::store {

class State : public ReaderStore {
 public:
  /// Makes the file where it is missing, and a new one in place of one that is damaged; refused
  /// where others can read it or the home isn't ours alone, or a later version of STS made it.
  static Result<State> open(const Home& home, const crypto::PrivateKey& identity, Random& random);

  /// What was lost, where the file was damaged, or is not what was written last; else empty.
  const std::string& warning() const { return warning_; }

  /// A change to the state, as of all that readers keep.
  class Change : public ReaderStore::Change {
   public:
    /// A number for the next epoch of this identity: higher than all before, and `at_least`.
    Result<std::uint64_t> next_epoch(std::uint64_t at_least);

    /// Whether the identity may have sent what this file doesn't know of: it is new, took the place
    /// of one that was lost, or was older, and nothing was found() since.
    Result<bool> behind();
    /// An epoch that this identity has used.
    Result<void> found(std::uint64_t epoch);

    struct Sender {
      Bytes name;
      crypto::WipedBytes saved;
      /// It was put into this very file since the machine was started. Else it may be a copy of one
      /// that another machine, or a later time, goes on with: no counter in it may be used.
      bool ours = false;
    };
    /// What put_sender() stored. Errc::malformed where it can't be opened: another identity's.
    Result<std::vector<Sender>> senders();
    Result<void> put_sender(ByteView name, ByteView saved);
    Result<void> remove_sender(ByteView name);

    /// Whether this identity signs; once it does, it always will.
    Result<bool> signs();
    Result<void> set_signs();

    Result<void> commit();

   private:
    friend class State;
    explicit Change(State& state) : ReaderStore::Change(state) {}
    State& state() { return static_cast<State&>(*store_); }
    /// Where the file is an older copy, from now on another place.
    Result<void> find_place();
    Bytes mark_;
    std::uint32_t count_ = 0;          // of the change before
    std::uint32_t found_in_file_ = 0;  // of the last that is in the file itself
    bool older_ = false;               // not what was written last
  };
  /// Waits for other processes. The state must outlive the change.
  Result<Change> begin();

 private:
  friend class Outbox;
  /// Which file on which start of the machine; empty where that can't be told.
  static Bytes file_place(const std::filesystem::path& path);
  /// Errc::malformed where it is damaged.
  static Result<State> open_whole(const Home& home, const crypto::PrivateKey& identity,
                                  Random& random);
  Result<void> tell_older();

  State(Database database, crypto::Secret<32> key, Random& random);

  FileMarks marks_;
  std::optional<std::uint32_t> last_in_file_;  // found_in_file_ after the last commit
  Bytes file_place_;
  std::array<std::uint8_t, 16> place_{};  // as of the change: and since which older copy
  std::string warning_;
};

}  // namespace sts::store
