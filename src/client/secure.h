// A session of STS 2 with one peer or several: carries out what the protocol asks for. Its parts:
// this side's face and the way to the broker (secure.cc), what becomes of links (secure_links.cc),
// and messages that outlive a process (secure_durable.cc).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "client/conversation.h"
#include "client/durable_intake.h"
#include "client/notices.h"
#include "client/session_outbox.h"
#include "client/trusted.h"
#include "protocol/endpoint.h"

namespace sts::client {

class Secure final : public Conversation {
 public:
  /// Null where messages are not durable.
  using OpenOutbox = std::function<Result<std::unique_ptr<SessionOutbox>>(
      const crypto::PublicKey& peer, SessionOutbox::Owner owner)>;

  Secure(const Config& config, const store::Home& home, crypto::KeyPair identity, Trusted trusted,
         protocol::Trust trust, Random& random, Port& port, Clock clock, OpenOutbox open_outbox);

  Result<void> use_inbox(const store::Inbox::Options& options) {
    return intake_.use_inbox(options);
  }
  /// Of the peer that is known: before it, nothing is durable.
  Result<void> use_outbox(const crypto::PublicKey& peer);

  mqtt::Qos qos() const override { return qos_; }
  void connecting(mqtt::Options& options) override;
  void online(std::size_t max_payload, bool resumed, Instant now) override;
  void offline(Instant now) override;
  void receive(mqtt::Message message, Instant now) override;
  void published(mqtt::PublishId id, const Result<void>& outcome, Instant now) override;
  bool accepts_offline() const override { return outbox_ && !over_; }
  Result<void> send(std::string_view text, bool encrypted, Instant now) override;
  void taken(std::uint64_t place, Instant now) override;
  Result<void> take(std::uint64_t place, std::span<const store::Inbox::Message> rows,
                    Instant now) override;
  void stop(Instant now) override;
  std::size_t unacknowledged() const override;
  std::optional<Error> kept(std::size_t messages) const override;
  Instant next_deadline() const override;
  void advance(Instant now) override;
  std::string no_session_hint() const override { return notices_.no_session_hint(); }
  void describe(Status& status, Instant now) const override;

 private:
  /// Runs one step of the protocol and carries out what it asks for.
  template <typename Step>
  void run(Step step, Instant now) {
    protocol::Effects effects;
    step(effects);
    carry_out(effects, now);
  }
  void carry_out(protocol::Effects& effects, Instant now);

  // The way to the broker
  void carry_out(const protocol::Publish& publish, std::vector<protocol::Ticket>& unsendable);
  void refused(const Error& why);
  void give_up(const protocol::Ticket& ticket, Instant now);

  // Links
  Result<void> send_to_all(std::string_view text, Instant now);
  bool must_wait(Instant now) const;
  Error out_of_reach_error(const protocol::Link& link) const;
  void kill_all(Instant now);
  void end(std::optional<Error> failed);
  void end_if_done();
  void on(const protocol::Up& it, Instant now);
  void on(const protocol::Pinned& it, Instant now);
  void on(const protocol::Delivered& it, Instant now);
  void on(const protocol::Taken& it, Instant now);
  void on(const protocol::Killed& it, Instant now);
  void on(const protocol::Finished& it, Instant now);
  void on(const protocol::LastWill& it, Instant now);
  void on(const protocol::Notice& it, Instant now);
  const std::string& fingerprint_of(const crypto::PublicKey& key);
  std::string peer_shown(const crypto::PublicKey& key) const;

  // Durable messages
  Result<void> send_durable(std::string_view text);
  void outbox_due();
  void feed(Instant now);
  std::optional<std::uint64_t> take_in(const protocol::Delivered& it, Instant now);
  void tell_taken(const std::vector<DurableIntake::Told>& told, Instant now);

  Port& port_;
  const store::Home& home_;
  std::unique_ptr<crypto::KeyPair> identity_;  // the endpoint keeps its address
  DurableIntake intake_;
  std::uint64_t taken_ = 0;    // what could not be committed
  Instant retry_at_ = never;   // taken()
  Instant resend_at_ = never;  // what the broker refused
  Trusted trusted_;
  Mode mode_;
  std::string pubtop_, subtop_;
  mqtt::Qos qos_;
  std::optional<mqtt::Message> will_;
  bool ends_with_peer_, invite_;
  Instant end_;
  std::unique_ptr<protocol::Endpoint> endpoint_;
  Notices notices_;
  std::map<mqtt::PublishId, protocol::Ticket> in_flight_;
  std::optional<crypto::PublicKey> last_sender_;  // and its fingerprint
  std::string fingerprint_;
  Clock clock_;
  OpenOutbox open_outbox_;
  std::unique_ptr<SessionOutbox> outbox_;
  bool online_ = false, stopping_ = false, wants_room_ = false, refusal_told_ = false;
  bool feeding_ = false, killed_ = false;
  bool over_ = false;  // ended() was said: nothing more is
};

}  // namespace sts::client
