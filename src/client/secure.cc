#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/counted.h"
#include "client/conversation.h"
#include "client/durable_intake.h"
#include "client/notices.h"
#include "client/sealed_will.h"
#include "client/session_outbox.h"
#include "client/trusted.h"
#include "protocol/initiator.h"
#include "protocol/responder.h"
#include "store/identity.h"

namespace sts::client {
namespace {

std::vector<crypto::PublicKey> keys_of(const protocol::Trust& trust) {
  std::vector<crypto::PublicKey> out;
  for (const auto& peer : trust.peers) out.push_back(peer.key);
  return out;
}

/// Null where messages are not durable.
using OpenOutbox = std::function<Result<std::unique_ptr<SessionOutbox>>(
    const crypto::PublicKey& peer, SessionOutbox::Owner owner)>;

class Secure final : public Conversation {
 public:
  Secure(const Config& config, const store::Home& home, crypto::KeyPair identity, Trusted trusted,
         protocol::Trust trust, Random& random, Port& port, Clock clock, OpenOutbox open_outbox)
      : port_(port),
        home_(home),
        identity_(std::make_unique<crypto::KeyPair>(std::move(identity))),
        intake_(home, identity_->private_key, random),
        trusted_(std::move(trusted)),
        mode_(config.mode),
        pubtop_(config.pubtop),
        subtop_(config.subtop),
        qos_(qos_of(config)),
        will_(config.broker.will),
        ends_with_peer_(trusted_.one_peer() && !config.stays),
        invite_(config.invite),
        end_(config.invite_end),
        notices_(config, keys_of(trust)),
        clock_(std::move(clock)),
        open_outbox_(std::move(open_outbox)) {
    const bool initiator = mode_ == Mode::initiator;
    const Bytes out = to_bytes(as_bytes(config.bind_pubtop));
    const Bytes in = to_bytes(as_bytes(config.bind_subtop));
    protocol::Setup setup{identity_.get(),
                          initiator ? protocol::Topics{out, in} : protocol::Topics{in, out},
                          std::move(trust),
                          {config.rekey_after_messages, config.rekey_after_time,
                           config.heartbeat.value_or(std::chrono::seconds(60)), config.pad},
                          &random};
    if (initiator) {
      endpoint_ = std::make_unique<protocol::Initiator>(std::move(setup));
    } else {
      endpoint_ = std::make_unique<protocol::Responder>(std::move(setup));
    }
  }

  Result<void> use_inbox(const store::Inbox::Options& options) {
    return intake_.use_inbox(options);
  }
  /// Of the peer that is known: before it, nothing is durable.
  Result<void> use_outbox(const crypto::PublicKey& peer) {
    if (!open_outbox_) return {};
    auto outbox = open_outbox_(
        peer, {[this] { outbox_due(); }, [this](const Line& line) { port_.log(line); }});
    if (!outbox) return tl::unexpected(outbox.error());
    outbox_ = std::move(*outbox);
    return {};
  }

  mqtt::Qos qos() const override { return qos_; }

  void connecting(mqtt::Options& options) override {
    if (!will_) return;
    // It was checked that this can't fail.
    options.will = {pubtop_, *endpoint_->wills().seal(will_->payload), will_->qos};
  }

  void online(std::size_t max_payload, bool, Instant now) override {
    online_ = true;
    refusal_told_ = false;
    run([&](auto& out) { endpoint_->set_online(true, max_payload, now, out); }, now);
    if (endpoint_->links().empty()) port_.log({Level::info, "waiting for the peer"});
  }

  void offline(Instant now) override {
    online_ = false;
    in_flight_.clear();
    run([&](auto& out) { endpoint_->set_online(false, 0, now, out); }, now);
  }

  void receive(mqtt::Message message, Instant now) override {
    if (now >= end_) return;  // whoever waits for the end may not have woken up yet
    run([&](auto& out) { endpoint_->receive(message.payload, now, out); }, now);
  }

  void published(mqtt::PublishId id, const Result<void>& outcome, Instant now) override {
    const auto ticket = in_flight_.extract(id);
    if (ticket.empty()) {
      if (!outcome) refused(outcome.error());
      return;
    }
    if (!outcome) return give_up(ticket.mapped(), now);
    auto* link = endpoint_->link(ticket.mapped().peer);
    if (link) run([&](auto& out) { link->published(now, out); }, now);
  }

  Result<void> send(std::string_view text, bool encrypted, Instant now) override {
    if (!encrypted) return fail(Errc::refused, "this session is encrypted", "use sendenc");
    if (outbox_ && !over_) return send_durable(text);
    const auto links = endpoint_->links();
    if (over_ || links.empty()) {
      return fail(Errc::refused, "no session is up yet", "wait for \"session is up\"");
    }
    if (must_wait(now)) {
      wants_room_ = true;
      return fail(Errc::limit, "too many messages wait for the peer's acknowledgement",
                  "wait until some are acknowledged; status counts them");
    }
    Result<void> outcome;
    run(
        [&](auto& out) {
          for (auto* link : links) {
            if (link->full()) {
              port_.given_up(1, out_of_reach_error(*link));
            } else if (outcome) {
              outcome = link->send(to_bytes(as_bytes(text)), now, out);
            }
          }
        },
        now);
    return outcome;
  }

  void stop(Instant now) override {
    stopping_ = true;
    if (outbox_) outbox_->tell_dropped();
    outbox_due();
    if (!outbox_) kill_all(now);
    end_if_done();
  }

  std::string no_session_hint() const override { return notices_.no_session_hint(); }

  std::size_t unacknowledged() const override {
    if (outbox_) return outbox_->waiting().value_or(0);
    std::size_t count = 0;
    for (const auto* link : endpoint_->links()) count += link->unacknowledged();
    return count;
  }

  std::optional<Error> kept(std::size_t messages) const override {
    if (!outbox_) return std::nullopt;
    return Error{
        Errc::io,
        counted(messages, "message waits", "messages wait") + " in the outbox for the peer",
        "the next session with it, or 'sts outbox flush --peer', delivers; 'sts outbox "
        "list' shows what waits"};
  }

  void taken(std::uint64_t place, Instant now) override {
    const auto done = take(place, {}, now);
    if (!done && retry_at_ == never) port_.log(error_line(done.error()));
    taken_ = place;
    retry_at_ = done ? never : now + std::chrono::seconds(1);
  }
  Result<void> take(std::uint64_t place, std::span<const store::Inbox::Message> rows,
                    Instant now) override {
    const auto told = intake_.taken(place, rows);
    if (!told) return tl::unexpected(told.error());
    tell_taken(*told, now);
    return {};
  }

  Instant next_deadline() const override { return std::min(endpoint_->next_deadline(), retry_at_); }
  void advance(Instant now) override {
    if (now >= retry_at_) taken(taken_, now);
    run([&](auto& out) { endpoint_->advance(now, out); }, now);
  }

  void describe(Status& status, Instant now) const override {
    status.protocol = "STS 2";
    status.cipher = "none";
    if (outbox_) status.outbox = outbox_->waiting().value_or(0);
    for (const auto* link : endpoint_->links()) {
      const auto& session = *link->current();
      status.cipher = "ChaCha20-Poly1305 (Noise_XXpsk3_25519_ChaChaPoly_BLAKE2b)";
      status.peers.push_back({trusted_.name(*link->peer()), crypto::to_text(*link->peer()),
                              crypto::fingerprint(*link->peer()), now - session.established(),
                              session.sealed(), session.opened(), link->unacknowledged(),
                              !link->silent()});
    }
  }

 private:
  /// Runs one step of the protocol and carries out what it asks for.
  template <typename Step>
  void run(Step step, Instant now) {
    protocol::Effects effects;
    step(effects);
    std::vector<protocol::Ticket> unsendable;
    for (auto& publish : effects.publish) carry_out(publish, unsendable);
    for (const auto& event : effects.events) {
      if (over_) return;
      std::visit([&](const auto& it) { on(it, now); }, event);
    }
    // Last, since it makes frames behind those above.
    for (const auto& ticket : unsendable) give_up(ticket, now);
    feed(now);
    if (wants_room_ && !(outbox_ ? outbox_->full() : must_wait(now))) {
      wants_room_ = false;
      port_.room();
    }
  }

  // --- Durable messages

  Result<void> send_durable(std::string_view text) {
    if (outbox_->full()) {
      wants_room_ = true;
      return fail(Errc::limit, "the outbox is full",
                  "wait until the peer has taken some; status counts them");
    }
    outbox_->put(text);
    return {};
  }

  /// More is to be accepted, or some was taken.
  void outbox_due() {
    if (!outbox_ || over_) return;
    if (auto committed = outbox_->commit(); !committed) {
      const auto count = outbox_->uncommitted();
      outbox_->clear();
      port_.given_up(count, {committed.error().code,
                             counted(count, "message was", "messages were") +
                                 " not accepted: " + committed.error().message,
                             committed.error().hint});
    }
    run([](auto&) {}, clock_());
    end_if_done();
  }

  /// From the outbox to the peer.
  void feed(Instant now) {
    const auto links = endpoint_->links();
    if (!outbox_ || !outbox_->has_more() || links.empty() || std::exchange(feeding_, true)) return;
    Result<void> sent;
    run([&](auto& out) { sent = outbox_->send(*links[0], now, out); }, now);
    feeding_ = false;
    if (!sent) port_.log(error_line(sent.error()));
  }

  /// Of several peers one that is silent, or acknowledges nothing, doesn't hold the others up.
  bool must_wait(Instant now) const {
    const auto links = endpoint_->links();
    return std::ranges::any_of(links, [&](const auto* link) {
      const bool out_of_reach = link->silent() || link->stalled(now);
      return link->full() && !(out_of_reach && links.size() > 1);
    });
  }

  void carry_out(const protocol::Publish& publish, std::vector<protocol::Ticket>& unsendable) {
    if (!online_) return;
    const auto id = port_.publish({pubtop_, publish.frame, qos()});
    if (id) {
      if (!publish.messages) return;
      in_flight_.emplace(*id, *publish.messages);
      if (publish.first_time) port_.sent(publish.frame);
    } else if (id.error().code != Errc::io) {
      if (!publish.messages) return refused(id.error());
      unsendable.push_back(*publish.messages);
    }
  }

  /// A frame without messages, which a timer will send again, in vain perhaps.
  void refused(const Error& why) {
    if (std::exchange(refusal_told_, true)) return;
    port_.log(error_line(why));
  }

  void kill_all(Instant now) {
    run(
        [&](auto& out) {
          for (auto* link : endpoint_->links()) link->kill(now, out);
        },
        now);
  }

  void end(std::optional<Error> failed) {
    over_ = true;
    port_.ended(std::move(failed));
  }

  void give_up(const protocol::Ticket& ticket, Instant now) {
    auto* link = endpoint_->link(ticket.peer);
    if (link) run([&](auto& out) { link->publish_failed(ticket.entry, now, out); }, now);
  }

  Error out_of_reach_error(const protocol::Link& link) const {
    return {Errc::limit,
            fmt::format("a message was not sent to {}: it acknowledges none, and too many wait",
                        trusted_.name(*link.peer())),
            "look whether it still runs; send it again once it answers"};
  }

  const std::string& fingerprint_of(const crypto::PublicKey& key) {
    if (!last_sender_ || *last_sender_ != key) fingerprint_ = crypto::fingerprint(key);
    last_sender_ = key;
    return fingerprint_;
  }

  std::string peer_shown(const crypto::PublicKey& key) const {
    return trusted_.one_peer() ? std::string() : trusted_.name(key);
  }

  void tell_taken(const std::vector<DurableIntake::Told>& told, Instant now) {
    for (const auto& [peer, taken] : told) {
      if (auto* link = endpoint_->link(peer)) {
        run([&, &what = taken](auto& out) { link->taken(what, now, out); }, now);
      }
    }
  }

  void on(const protocol::Delivered& it, Instant now) {
    Received received{{subtop_, it.message, qos()}, true,
                      !trusted_.one_peer(),         trusted_.name(it.peer),
                      fingerprint_of(it.peer),      it.peer};
    if (it.durable) {
      const auto verdict = intake_.judge(it.peer, *it.durable);
      if (auto lost = intake_.take_warning(); !lost.empty()) port_.log({Level::warning, lost});
      // The sender begins again with the next process, and not with this one.
      if (!verdict) return end(verdict.error());
      if (verdict == protocol::DurableVerdict::repeat) {
        tell_taken({intake_.known(it.peer, it.durable->queue)}, now);
      }
      if (verdict != protocol::DurableVerdict::take) return;
      received.place = intake_.hand_on(it.peer, *it.durable);
      received.durable = channel::Durable{{it.durable->queue}, it.durable->number};
    }
    port_.received(std::move(received));
  }

  void on(const protocol::Taken& it, Instant) {
    if (!outbox_) return;
    if (auto removed = outbox_->taken(it.taken); !removed) port_.log(error_line(removed.error()));
    end_if_done();
  }

  void on(const protocol::Up& it, Instant now) {
    auto* link = endpoint_->link(it.peer);
    if (outbox_ && (!it.renewed || it.peer_restarted)) outbox_->begin();
    if (stopping_ && !outbox_ && !it.renewed && link) {
      // It came too late for stop() to end it.
      run([&](auto& out) { link->kill(now, out); }, now);
    }
    const std::string name = trusted_.name(it.peer);
    if (it.peer_restarted) {
      port_.log({Level::info, fmt::format("session is up with {}, which was restarted", name)});
    } else if (it.renewed) {
      port_.log({Level::info, fmt::format("session with {} has new keys", name)});
    } else {
      port_.log({Level::info, fmt::format("session is up with {}, fingerprint {}", name,
                                          crypto::fingerprint(it.peer))});
    }
    port_.up(true);
  }

  void on(const protocol::Pinned& it, Instant now) {
    const auto pinned = trusted_.pin(it.peer, home_);
    if (!pinned) {
      kill_all(now);
      return end(pinned.error());
    }
    notices_.pinned(it.peer);
    if (auto opened = use_outbox(it.peer); !opened) {
      kill_all(now);
      return end(opened.error());
    }
    if (invite_) {
      port_.log({Level::info, fmt::format("the token is used up: {} is trusted from now on",
                                          trusted_.name(it.peer))});
      return;
    }
    port_.log({Level::warning,
               fmt::format("pinned {0} on first use: key {1}, fingerprint {2}; compare it with "
                           "`sts key show` at the peer, and if it differs: stop, then sts peer "
                           "remove {0}",
                           trusted_.name(it.peer), crypto::to_text(it.peer),
                           crypto::fingerprint(it.peer))});
  }

  void on(const protocol::Killed& it, Instant) {
    over_ = ends_with_peer_;
    const std::string role = mode_ == Mode::initiator ? "slave" : "master";
    const std::string name = peer_shown(it.peer);
    port_.log({Level::info, "Received KILL from " + role + (name.empty() ? "" : " " + name)});
    std::optional<Error> lost;
    if (it.undelivered > 0 && !outbox_) {
      lost = Error{Errc::io,
                   counted(it.undelivered, "message was", "messages were") +
                       " not delivered: the peer ended the session",
                   "start it again and send them again"};
      if (!ends_with_peer_) port_.given_up(it.undelivered, *lost);
    }
    if (const auto waiting = outbox_ ? outbox_->waiting().value_or(0) : 0; waiting > 0) {
      lost = kept(waiting);
    }
    if (ends_with_peer_) return end(lost);
    if (endpoint_->links().empty()) port_.up(false);
    end_if_done();
  }

  void on(const protocol::Finished&, Instant) { end_if_done(); }

  void on(const protocol::LastWill& it, Instant) {
    port_.log(will_line(it, trusted_.name(it.peer)));
  }

  void on(const protocol::Notice& it, Instant now) {
    const auto line = notices_.say(it, it.peer ? trusted_.name(*it.peer) : "the peer", now);
    if (!line) return;
    if (it.kind == protocol::NoticeKind::dropped) {
      return port_.given_up(it.count, {Errc::refused, line->text, line->hint});
    }
    port_.log(*line);
  }

  void end_if_done() {
    if (over_) return;
    if (outbox_) {
      const auto empty = outbox_->empty();
      if (!empty || !*empty) return;
      port_.drained();
      if (stopping_ && !std::exchange(killed_, true)) kill_all(clock_());
    }
    const auto links = endpoint_->links();
    if (stopping_ && std::ranges::all_of(links, [](auto* link) { return link->idle(); })) {
      port_.ended({});
    }
  }

  Port& port_;
  const store::Home& home_;
  std::unique_ptr<crypto::KeyPair> identity_;  // the endpoint keeps its address
  DurableIntake intake_;
  std::uint64_t taken_ = 0;  // what could not be committed
  Instant retry_at_ = never;
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

}  // namespace

Result<crypto::KeyPair> own_identity(const store::Home& home, Random& random, Port& port) {
  auto own = store::load_or_create_identity(home, random);
  if (!own) return tl::unexpected<Error>(own.error());
  if (own->made) {
    port.log(
        {Level::info, fmt::format("made a new identity in {}: {}", home.identity_file().string(),
                                  crypto::to_text(own->pair.public_key))});
  }
  return std::move(own->pair);
}

Result<std::unique_ptr<Conversation>> make_secure(asio::io_context& loop, const Config& config,
                                                  const store::Home& home, Random& random,
                                                  Clock clock, Port& port) {
  auto trusted = Trusted::load(config, home);
  if (!trusted) return tl::unexpected<Error>(trusted.error());
  auto trust = trusted->take();
  if (auto will = check_will(config, trust); !will) return tl::unexpected<Error>(will.error());
  auto own = own_identity(home, random, port);
  if (!own) return tl::unexpected<Error>(own.error());
  OpenOutbox open_outbox;
  std::optional<crypto::PublicKey> peer;
  if (config.durable) {
    if (!trusted->one_peer()) {
      return fail(Errc::bad_input, "durable messages are for one peer", "name it as the only one");
    }
    if (!trust.peers.empty()) peer = trust.peers[0].key;
    open_outbox = [&loop, &home, &random, pubtop = config.pubtop, options = config.outbox](
                      const auto& key, auto owner) {
      return SessionOutbox::open(loop, home, {pubtop, options}, key, random, std::move(owner));
    };
  }
  auto out =
      std::make_unique<Secure>(config, home, std::move(*own), std::move(*trusted), std::move(trust),
                               random, port, std::move(clock), std::move(open_outbox));
  if (config.inbox) {
    if (auto opened = out->use_inbox(*config.inbox); !opened) return tl::unexpected(opened.error());
  }
  if (peer) {
    if (auto opened = out->use_outbox(*peer); !opened) return tl::unexpected(opened.error());
  }
  return out;
}

}  // namespace sts::client
