// Durable messages of peers: which are new, and what was taken of them.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "protocol/durable.h"
#include "store/home.h"
#include "store/inbox.h"
#include "store/state.h"

namespace sts::client {

class DurableIntake {
 public:
  /// None of them is owned.
  DurableIntake(const store::Home& home, const crypto::PrivateKey& identity, Random& random)
      : home_(home), identity_(identity), random_(random) {}

  /// From now on in this inbox, with the messages themselves, instead of the state. As
  /// store::Inbox::open().
  Result<void> use_inbox(const store::Inbox::Options& options);

  /// Whether to hand the message on. Where the state can't be read, an error: it is not taken.
  Result<protocol::DurableVerdict> judge(const crypto::PublicKey& peer,
                                         const protocol::DurableNumber& number);
  /// A message that was judged to be taken is about to be handed on. Returns its place among all of
  /// this process, from 1 on, for taken().
  std::uint64_t hand_on(const crypto::PublicKey& peer, const protocol::DurableNumber& number);

  /// What was lost of the state, where it was damaged: once.
  std::string take_warning() { return std::exchange(warning_, {}); }

  struct Told {
    crypto::PublicKey peer;
    protocol::DurableTaken taken;
  };
  /// What is known to be taken of the queue.
  Told known(const crypto::PublicKey& peer, const protocol::StreamId& queue) const;
  /// Whoever has the messages up to `place` won't lose them: commits that, with their `rows` where
  /// they go into the inbox, and returns what to tell. On an error nothing has changed.
  /// Errc::refused where another process has taken them meanwhile.
  Result<std::vector<Told>> taken(std::uint64_t place,
                                  std::span<const store::Inbox::Message> rows = {});

 private:
  using Queue = std::pair<crypto::PublicKey, protocol::StreamId>;
  struct Mark {
    std::uint64_t next = 0;     // not handed on
    std::uint64_t on_disk = 0;  // not taken
  };
  struct HandedOn {
    std::uint64_t place;
    Queue queue;
    std::uint64_t next;
  };

  Result<store::ReaderStore::Change> begin();
  void forget_settled();

  const store::Home& home_;
  const crypto::PrivateKey& identity_;
  Random& random_;
  std::optional<store::State> state_;  // with the first durable message
  std::optional<store::Inbox> inbox_;  // instead
  std::map<Queue, Mark> marks_;
  std::deque<HandedOn> handed_on_;
  std::uint64_t places_ = 0;
  std::string warning_;
};

}  // namespace sts::client
