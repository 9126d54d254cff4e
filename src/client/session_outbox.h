// What this side of a session has accepted and the peer's disk doesn't hold yet: from the outbox in
// order into the session, until the peer tells that it has taken it (docs/protocol.md, "Durable
// messages").
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "client/acceptance.h"
#include "client/messenger.h"
#include "client/outbox.h"
#include "client/outbox_cursor.h"
#include "client/outbox_lock.h"
#include "protocol/link.h"
#include "store/home.h"
#include "store/outbox.h"

namespace sts::client {

class SessionOutbox {
 public:
  /// Sent and not taken, at a time.
  static constexpr std::size_t in_flight = 512;

  struct Owner {
    std::function<void()> due;  // commit() and send(): from the loop, never from within a call
    std::function<void(const Line&)> log;
  };
  struct Options {
    std::string topic;  // on which it goes to the peer
    store::OutboxOptions outbox;
  };
  /// The references must outlive it.
  static Result<std::unique_ptr<SessionOutbox>> open(asio::io_context& loop,
                                                     const store::Home& home,
                                                     const Options& options,
                                                     const crypto::PublicKey& peer, Random& random,
                                                     Owner owner);
  ~SessionOutbox() { lock_->close(); }
  SessionOutbox(const SessionOutbox&) = delete;
  SessionOutbox& operator=(const SessionOutbox&) = delete;

  /// Nothing more is to be put in until commit() or taken() made room.
  bool full() const { return accepting_.full(); }
  /// To be accepted by the next commit(), which Owner::due is for.
  void put(std::string_view text);
  /// All that fits is on the disk then. After an error nothing that was put in is, or will be; how
  /// much that was, uncommitted() tells until clear().
  Result<void> commit();
  std::size_t uncommitted() const { return accepting_.size(); }
  void clear() { accepting_.clear(); }

  /// A session with another process of the peer has begun: what it has not taken is sent again.
  void begin();
  /// Whether send() would do anything.
  bool has_more() const {
    return held_ && !put_off_ && !cursor_.at_end() && sent_.size() < in_flight;
  }
  /// As much as the link takes now.
  Result<void> send(protocol::Link& link, Instant now, protocol::Effects& out);
  Result<void> taken(const protocol::DurableTaken& taken);

  /// All of it was taken.
  Result<bool> empty();
  /// How many messages were not.
  Result<std::uint64_t> waiting();
  /// Says what the outbox dropped, once.
  void tell_dropped() { client::tell_dropped(outbox_, owner_.log); }

 private:
  struct Sent {
    std::uint64_t seq;
    protocol::StreamId queue;
    std::uint64_t number;
  };

  SessionOutbox(asio::io_context& loop, store::Outbox outbox, std::string destination, Owner owner)
      : outbox_(std::move(outbox)),
        destination_(std::move(destination)),
        owner_(std::move(owner)),
        accepting_(loop, outbox_, owner_.due) {}

  void put_off(const Error& why);

  store::Outbox outbox_;
  std::string destination_;
  Owner owner_;
  Acceptance accepting_;
  std::unique_ptr<OutboxLock> lock_;
  OutboxCursor cursor_{outbox_, destination_, owner_.log};
  std::deque<Sent> sent_;                             // not taken
  std::map<protocol::StreamId, std::uint64_t> last_;  // number that was sent, by queue
  bool held_ = false, put_off_ = false;
};

}  // namespace sts::client
