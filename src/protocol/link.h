// Everything between this side and one peer once a handshake is done: the two streams, the session
// in use and the one before it, and the timers that notice loss and silence.
#pragma once

#include <memory>
#include <optional>

#include "base/time.h"
#include "protocol/effects.h"
#include "protocol/session.h"
#include "protocol/stream.h"
#include "protocol/token_bucket.h"
#include "protocol/will.h"

namespace sts::protocol {

class Link {
 public:
  /// `wills` must outlive it.
  Link(noise::Role role, const Limits& limits, Wills& wills)
      : role_(role), limits_(limits), wills_(wills), tx_(limits.pad != Pad::none) {}

  const std::optional<crypto::PublicKey>& peer() const { return peer_; }

  // --- Making sessions -------------------------------------------------------------------------
  /// What the peer has to know to follow our stream in a session about to be made: the payload of
  /// KEYACK, or the body of CONFIRM. Each call begins a new generation.
  std::optional<Resume> begin_generation();

  /// The initiator's session before CONFIRM; replaces one that was never confirmed. Nothing is sent
  /// in it yet.
  void offer(std::unique_ptr<Session> session, const crypto::PublicKey& peer);
  void withdraw() { offered_.reset(); }
  /// CONFIRM came: the offered session is the one in use, the one before is retired.
  void confirm(const std::optional<Resume>& resume, Instant now, Effects& out);

  /// The responder's session after KEYACK: in use at once, and CONFIRM is its first frame.
  void accept(std::unique_ptr<Session> session, const crypto::PublicKey& peer,
              const std::optional<Resume>& resume, Instant now, Effects& out);
  /// CONFIRM again, for a KEYACK that came again.
  void repeat_confirm(Instant now, Effects& out);

  /// Tells the peer, where a session is in use, that `frame` of a handshake comes from this side.
  void vouch(ByteView frame, Instant now, Effects& out);
  /// Whether the peer has done so for this frame; true once for each time it has, and so often
  /// only.
  bool take_vouch(const Vouch& frame, Instant now);

  // --- Using them ------------------------------------------------------------------------------
  bool owns(SessionIndex local) { return bound(local) != nullptr; }
  const Session* current() const { return current_ ? &current_->session() : nullptr; }
  const Session* offered() const { return offered_ ? &offered_->session() : nullptr; }

  /// An ENC for the session in use, the one before, or the offered one, which it may confirm.
  void receive(const Enc& frame, Instant now, Effects& out);

  /// Errc::limit where the buffer is full, Errc::refused where the message is over the largest
  /// frame.
  Result<void> send(Bytes message, Instant now, Effects& out);
  /// As send(). After Up of a new process of the peer the queue is to be sent again from what it
  /// last told to be taken, the first message with a gap down to 0.
  Result<void> send_durable(const DurableNumber& number, ByteView message, Instant now,
                            Effects& out);
  /// Tells the peer what of its durable messages won't be lost here.
  void taken(const DurableTaken& taken, Instant now, Effects& out);
  void kill(Instant now, Effects& out);
  /// The broker answered one frame with messages: it took it. Others may follow.
  void published(Instant now, Effects& out);
  /// It, or the way there, refused the frame. Gives the entry's messages up.
  void publish_failed(std::uint64_t entry, Instant now, Effects& out);

  /// Asks the peer for a sign of life, and what it has. Tells it of our will.
  void probe(Instant now, Effects& out);
  /// The connection to the broker came or went. What was published just before may be lost.
  void set_online(bool online, std::size_t max_frame, Instant now, Effects& out);

  Instant next_deadline() const;
  void advance(Instant now, Effects& out);

  /// The peer ended the session for good. Such a link only answers what the peer, which may have
  /// missed the answer, sends again.
  bool killed() const { return killed_; }
  /// Whether the peer's stream is the one that was followed so far.
  bool follows(const std::optional<Resume>& resume) const { return resume && resume->id == rx_id_; }
  bool silent() const { return probes_ >= probes_until_silent; }
  std::size_t unacknowledged() const { return tx_.unacknowledged(); }
  bool idle() const { return tx_.idle(); }
  /// send() would say Errc::limit for its buffer.
  bool full() const { return tx_.full(); }
  /// The peer, which may answer all the same, has long acknowledged nothing of what waits for it.
  bool stalled(Instant now) const {
    return online_ && !tx_.idle() && now - progress_at_ >= stalled_after;
  }

 private:
  /// A session and the generations that its frames belong to.
  class Bound {
   public:
    Bound(std::unique_ptr<Session> session, std::uint64_t send_base)
        : session_(std::move(session)), send_base_(send_base) {}
    Session& session() const { return *session_; }
    std::uint64_t send_number() const { return send_base_ + session_->sealed(); }
    std::uint64_t receive_base = 0;
    std::optional<std::uint64_t> end;  // the peer's last counter

   private:
    std::unique_ptr<Session> session_;
    std::uint64_t send_base_;
  };

  Bound* bound(SessionIndex local);
  Bound* heard();
  void take(Bound& session, std::uint64_t counter, const Records& records, Instant now,
            Effects& out);
  void follow(const std::optional<Resume>& resume, Up& up);
  void account(const Bound& session, std::uint64_t counter, const Records& records);
  void schedule_ack(const Records& records, bool missing_before, Instant now);
  void deliver(Instant now, Effects& out);
  void flush(Instant now, Effects& out);
  Result<void> push(Message message, Instant now, Effects& out);
  void deliver(Message message, Effects& out);
  bool ready(Instant now, Effects& out);
  void seal(Bound& session, Bytes plaintext, Instant now, Effects& out);
  void send_control(Bytes plaintext, Instant now, Effects& out);
  std::size_t room() const;

  noise::Role role_;
  Limits limits_;
  Wills& wills_;
  std::optional<crypto::PublicKey> peer_;
  std::optional<Bound> current_, previous_, offered_;
  std::optional<Resume> confirm_body_;  // responder: what CONFIRM says in the current session

  StreamSender tx_;
  std::optional<StreamId> tx_id_;
  std::uint64_t tx_generation_ = 0;
  StreamReceiver rx_;
  std::optional<StreamId> rx_id_;
  std::uint64_t wills_from_ = 0;  // the number above that of the last WILL

  std::optional<Vouch> vouch_;  // the peer's last
  TokenBucket vouch_budget_{vouch_burst, vouch_interval};

  bool online_ = true;
  bool finishing_ = false, killed_ = false, used_up_ = false;
  std::size_t max_frame_ = SIZE_MAX;
  std::size_t unanswered_ = 0;  // frames with messages, by the broker
  /// Received since our last ACK.
  struct Unacked {
    std::uint64_t frames = 0, messages = 0, bytes = 0;
    bool many() const;
  } unacked_;
  int probes_ = 0;  // without an answer
  Duration probe_after_ = protocol::probe_after;
  Instant progress_at_{};  // the peer last acknowledged something new, or had nothing to
  Instant ack_at_ = never, probe_at_ = never, heartbeat_at_ = never, drop_previous_at_ = never;
};

}  // namespace sts::protocol
