// Opens what comes on channels, for whom the trust file says; and puts into words what the broker
// did.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "channel/reader.h"
#include "client/channel_writer.h"
#include "client/messenger.h"
#include "client/received.h"
#include "client/trust_file.h"
#include "mqtt/message.h"
#include "store/inbox.h"
#include "store/reader_lock.h"
#include "store/state.h"

namespace sts::client {

class ChannelReader {
 public:
  struct Options {
    std::vector<std::string> filters;  // what is subscribed to
    std::string key_prefix = std::string(channel::default_key_prefix);
    store::PeerRights rights = {};    // besides those of the trust file
    std::chrono::seconds max_age{0};  // older messages are left out and told; 0: none are
    /// The client id under which it keeps what it has seen, so that the next process of that id
    /// goes on there. Empty: nothing is kept.
    std::string client_id = {};
    std::optional<store::Inbox::Options> inbox = {};  // where it keeps that, instead of the state
  };

  /// Errc::refused where another process has that client id; else as ChannelWriter::open.
  static Result<ChannelReader> open(const store::Home& home, Options options, Clock clock,
                                    WallClock wall_clock, Random& random);

  /// To be shown at the start: what couldn't be read of what was kept, and who isn't believed.
  std::vector<Line> take_warnings() { return std::exchange(warnings_, {}); }

  /// What to subscribe to for keys, before anything else. Again after on_message said so.
  std::vector<std::string> key_filters() const;

  /// Errc::bad_input, with the command that mends it, where nobody is believed.
  Result<void> check_senders() const;
  /// A filter more is subscribed to, or one less.
  void follow(const std::string& filter);
  void unfollow(const std::string& filter);
  const std::vector<std::string>& filters() const { return *filters_; }

  struct Output {
    std::vector<Received> messages;
    std::vector<Line> lines;
    bool more_keys = false;  // the trust file lists a sender more
  };
  Output on_message(const mqtt::Message& message);
  /// Reads the trust file again where it has changed, which on_message() does. Not while something
  /// is to be saved: with a sender that isn't believed any more goes what was seen of it.
  Output refresh();
  /// To be called at next_deadline(): gives up what waited too long.
  Output advance();
  /// Nothing more comes: tells what still waits for a key, unless that is kept.
  Output finish();
  Instant next_deadline() const { return reader_->next_deadline(); }

  /// Whether what was seen outlives the process.
  bool keeps() const { return kept_ != nullptr; }
  /// Stores what has changed in one transaction, after which no crash lets it come again;
  /// `more_keys` where a sender was reset. After an error nothing has changed, and it can be done
  /// again; Errc::malformed says in vain. Whoever was handed messages has to have them safe before,
  /// or hands them back as `messages`, for the inbox.
  Result<Output> save(std::span<const store::Inbox::Message> messages = {});

  using Report = ChannelReport;
  std::vector<Report> report() const;

 private:
  ChannelReader(Options options, Clock clock, WallClock wall_clock, crypto::KeyPair identity,
                TrustFile trust);

  /// What outlives the process.
  struct Kept {
    store::ReaderLock lock;
    std::optional<store::State> state;  // this
    std::optional<store::Inbox> inbox;  // or that
    Bytes filters;                      // a digest of them, before what is saved
    std::set<channel::SenderId> rows;   // those of whom there is one
    store::ReaderStore& store() {
      return inbox ? static_cast<store::ReaderStore&>(*inbox) : *state;
    }
  };

  Result<void> trust_all();
  Result<void> trust(const crypto::PublicKey& sender);
  Result<void> keep(const store::Home& home, Random& random);
  Result<void> restore(const std::vector<crypto::PublicKey>& senders);
  /// Those whose row is gone: somebody has reset them.
  Result<std::vector<channel::SenderId>> store_changes(
      std::span<const store::Inbox::Message> messages);
  Result<void> restore_waiting();
  channel::Moment moment() const;
  std::string name(const crypto::PublicKey& sender) const;
  /// Of what the reader has told; `carrier` brought it.
  void put_events(const mqtt::Message& carrier, Output& out);
  void put(channel::Delivered delivered, const mqtt::Message& carrier, Output& out);
  void put(channel::Will will, const mqtt::Message& carrier, Output& out);
  void put(const channel::Notice& notice, Output& out);

  Options options_;
  std::unique_ptr<std::vector<std::string>> filters_;  // the reader's rules hold on to it
  Clock clock_;
  WallClock wall_clock_;
  std::unique_ptr<crypto::KeyPair> identity_;  // the reader holds on to it
  std::unique_ptr<TrustFile> trust_;           // and its rules to this
  std::unique_ptr<channel::Reader> reader_;
  channel::Events events_;  // empty between calls
  std::set<crypto::PublicKey> trusted_;
  std::unique_ptr<Kept> kept_;  // null: nothing
  std::vector<Line> warnings_;
};

/// "12 received, 1 missing, ..."
std::string to_words(const channel::Counts& counts);

}  // namespace sts::client
