// Turns messages in the clear into what is published on channels: for whom, under which key, and
// which key packets go before them. What has to outlive the process it puts into the state.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "channel/saved_sender.h"
#include "client/config.h"
#include "client/timer.h"
#include "client/trust_file.h"
#include "mqtt/message.h"
#include "store/state.h"

namespace sts::client {

/// The time of day, for people to read; protocols order nothing by it.
using WallClock = std::function<std::chrono::system_clock::time_point()>;

/// What a sender writes beside a message; nullopt where the clock can't be right.
std::optional<std::uint64_t> sender_time(std::chrono::system_clock::time_point now);

struct ChannelOptions {
  channel::SenderOptions sender = {};
  /// For many messages: in a stream of this process alone. Without, the epoch of the last process
  /// goes on, at the price of a transaction for each message. Retained messages, which outlive the
  /// process, always go that way.
  bool own_stream = false;
  store::PeerRights rights = {};  // besides those of the trust file
  /// In the clear: what the broker is to publish when a connection breaks. Needs a stream of its
  /// own.
  std::optional<mqtt::Message> will = {};
};

mqtt::Message to_message(channel::Packet packet);
std::vector<mqtt::Message> to_messages(std::vector<channel::Packet> packets);
void move_to(std::vector<channel::Packet>& to, std::vector<channel::Packet> packets);

/// What a sender found of itself at the broker.
struct OwnPackets {
  std::uint64_t highest = 0;  // epoch
  bool signs = false;         // one of them
  std::vector<std::string> leftovers = {};
};

/// What an outbox knows of a message besides.
struct OutOfOutbox {
  channel::Durable place;
  std::uint64_t accepted_ms = 0;  // since 1970
};

/// As `config` says.
ChannelOptions channel_options(const Config& config, bool own_stream);

class ChannelWriter {
 public:
  /// Errc::bad_input, refused or io for files under STS_HOME; Errc::refused for a will that can't
  /// be sealed. An identity is made where there is none. `random` is not owned.
  static Result<ChannelWriter> open(const store::Home& home, ChannelOptions options, Clock clock,
                                    WallClock wall_clock, Random& random);

  /// Whether this identity signs, by these options or once and for all.
  bool signs() const { return options_.sender.sign; }
  /// What was lost of the state, where it was damaged; else empty.
  const std::string& warning() const { return state_->warning(); }

  /// Errc::refused, with the command that mends it, where nobody may read the topic.
  Result<void> check_readers(const std::string& topic) const;

  /// Names those who may read the topic now, for the outbox.
  Result<Bytes> audience(const std::string& topic);

  /// All that is to be published for this message, in order; the message is the last. Errc::refused
  /// as for check_readers(). A message that is retained and empty goes out in the clear: it takes
  /// away what the broker retains.
  Result<std::vector<mqtt::Message>> seal(const mqtt::Message& clear,
                                          const OutOfOutbox* durable = nullptr);

  /// Nothing more comes: tells readers how this process's own streams ended, and takes their key
  /// packets away.
  Result<std::vector<mqtt::Message>> finish();
  /// The broker may have lost what it retained: the keys again under which this process has sealed.
  Result<std::vector<mqtt::Message>> reconnected();
  /// The broker has all that came out of seal().
  Result<void> confirm();

  /// Where it is set: before anything is sealed, what comes on this filter is to be handed to
  /// found(), and then looked() called, whose messages are to be published. So a sender whose state
  /// or clock is behind what it has sent goes on above that, and what a process that was killed
  /// left behind is taken away.
  std::optional<std::string> look() const;
  void found(const mqtt::Message& message);
  Result<std::vector<mqtt::Message>> looked();

  /// For the next CONNECT: the will, sealed anew; nullopt where there is none, nobody may read it,
  /// or look() comes first.
  Result<std::optional<mqtt::Message>> connecting();
  /// On each new connection after reconnected(): which one it is, for those that read its will.
  Result<std::vector<mqtt::Message>> announce();
  /// The key of the next will, where the present one's is due or its readers have changed. The
  /// will changes with a new connection: will_outdated() says that it is time for one.
  Result<std::vector<mqtt::Message>> renew_will();
  bool has_will() const { return options_.will.has_value(); }
  bool will_outdated() const { return will_under() != left_; }

  /// For each topic that this process sent on something that shows whether all before it came.
  Result<std::vector<mqtt::Message>> heartbeat();

 private:
  using Readers = std::vector<const store::Peer*>;
  /// A set of readers, by a digest over their keys.
  using ReaderSetId = Bytes;
  struct StoredSender {
    channel::Sender sender;
    std::vector<channel::Packet> unconfirmed = {};
    bool outdated = false;  // its key is older than any that is sealed under
  };
  using Senders = std::map<ReaderSetId, StoredSender>;

  ChannelWriter(ChannelOptions options, Clock clock, WallClock wall_clock, Random& random,
                crypto::KeyPair identity, TrustFile trust, store::State state);

  struct How {
    bool ping = false;  // nothing but its counter, for what came before it to be missed
    const OutOfOutbox* durable = nullptr;  // null: it isn't
  };
  /// What a will is sealed under.
  struct Under {
    ReaderSetId readers;
    std::uint64_t epoch = 0;
    bool operator==(const Under&) const = default;
  };

  /// The trust file as it is now, and, at most a second late, whether this identity has begun to
  /// sign; own streams end that are not as they would be begun now.
  Result<void> follow_trust();
  /// Whether one of them is still read by this set and no other.
  bool read_by(const ReaderSetId& readers, const std::vector<std::string>& topics) const;
  /// Tells whoever may still read what it was used on how it ended, and takes its keys away.
  Result<std::vector<channel::Packet>> end_own(channel::Sender& sender);
  /// The key of a will that could be left now.
  Result<void> ready_will(std::vector<channel::Packet>& out);
  /// A change to the state, after which options_ say whether this identity signs.
  Result<store::State::Change> begin();
  Result<std::vector<mqtt::Message>> seal(const mqtt::Message& clear, bool stored, const How& how);
  Result<Bytes> seal_own(const mqtt::Message& clear, const How& how,
                         std::vector<channel::Packet>& before);
  Result<Bytes> seal_stored(const mqtt::Message& clear, const How& how,
                            std::vector<channel::Packet>& before);
  Result<Bytes> seal_content(channel::Sender& sender, const mqtt::Message& clear, const How& how);
  /// The sender of this process alone for whoever may read `topic`, with an epoch that isn't due.
  Result<StoredSender*> ready_own(const std::string& topic, std::vector<channel::Packet>& before);
  /// What the will of a connection made now would be sealed under; nullopt: there would be none.
  std::optional<Under> will_under() const;
  /// Its state or clock may be behind what it has sent, and it hasn't looked yet.
  bool unsure() const { return look_ && unsure_; }
  Result<std::vector<channel::Packet>> begin_epoch(channel::Sender& sender, const Readers& readers,
                                                   store::State::Change& change);
  /// For those that may read `topic`, in a change of its own.
  Result<std::vector<channel::Packet>> begin_own_epoch(channel::Sender& sender,
                                                       std::string_view topic);

  Result<void> check_will() const;

  Result<Senders> load(store::State::Change& change);
  static Result<void> save(store::State::Change& change, const Senders& senders);
  /// Nothing that was to be published on the topic is any more.
  static void supersede(Senders& senders, std::string_view topic);
  /// `packets` are to be published, in place of what was to be there.
  static void publish(Senders& senders, StoredSender& open, std::vector<channel::Packet> packets);
  std::vector<channel::Packet> unpublished(const Senders& senders) const;
  /// The key packets of the stored senders that this process has sealed with.
  Result<std::vector<channel::Packet>> tell_stored();
  /// The sender for these readers, with an epoch that isn't due and has a number above that.
  Result<StoredSender*> ready(Senders& senders, const ReaderSetId& name, const Readers& readers,
                              store::State::Change& change, std::uint64_t above = 0);
  /// Retained messages whose readers have changed move to the sender of those that are it now.
  Result<void> move_retained(Senders& senders, store::State::Change& change);
  /// Ends epochs, but that of `present`, under which nothing will be sealed any more.
  Result<void> end_unused(Senders& senders, const ReaderSetId& present,
                          store::State::Change& change);

  Readers readers_of(std::string_view topic) const;
  ReaderSetId reader_set_id(const Readers& readers) const;
  std::uint64_t now_ms() const;

  ChannelOptions options_;
  Clock clock_;
  WallClock wall_clock_;
  Random& random_;
  std::unique_ptr<crypto::KeyPair> identity_;  // senders hold on to it
  TrustFile trust_;
  std::unique_ptr<store::State> state_;
  Senders own_;                                  // of this process alone
  std::set<std::pair<std::string, bool>> used_;  // topics, and whether by a stored stream
  std::optional<Under> left_;                    // with the broker, for this connection
  channel::ConnectionId connection_;
  bool trust_changed_ = false;
  bool own_sign_ = false;  // those of own_
  Instant look_at_signs_{};
  std::vector<channel::Packet> owed_;  // to be published before anything else
  std::optional<OwnPackets> look_;
  bool unsure_ = false;
  std::set<channel::Packet> published_;  // by this process, and not yet confirmed
  // Of the stored senders it has sealed with, which key it published last: its topic.
  std::map<ReaderSetId, std::string> told_;
};

}  // namespace sts::client
