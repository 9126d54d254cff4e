#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "client/conversation.h"
#include "client/notices.h"
#include "client/trusted.h"
#include "protocol/initiator.h"
#include "protocol/responder.h"
#include "store/identity.h"

namespace sts::client {
namespace {

class Secure final : public Conversation {
 public:
  Secure(const Config& config, const store::Home& home, crypto::KeyPair identity, Trusted trusted,
         Random& random, Port& port)
      : port_(port),
        home_(home),
        identity_(std::make_unique<crypto::KeyPair>(std::move(identity))),
        trusted_(std::move(trusted)),
        mode_(config.mode),
        subtop_(config.subtop) {
    const bool initiator = mode_ == Mode::initiator;
    const Bytes out = to_bytes(as_bytes(config.bind_pubtop));
    const Bytes in = to_bytes(as_bytes(config.bind_subtop));
    protocol::Setup setup{
        identity_.get(),
        initiator ? protocol::Topics{out, in} : protocol::Topics{in, out},
        trusted_.take(),
        {config.rekey_after_messages, config.rekey_after_time, config.heartbeat, config.pad},
        &random};
    if (initiator) {
      endpoint_ = std::make_unique<protocol::Initiator>(std::move(setup));
    } else {
      endpoint_ = std::make_unique<protocol::Responder>(std::move(setup));
    }
  }

  void online(std::size_t max_payload, Instant now) override {
    online_ = true;
    refusal_told_ = false;
    run([&](auto& out) { endpoint_->set_online(true, max_payload, now, out); }, now);
    if (endpoint_->links().empty()) port_.log(Level::info, "waiting for the peer");
  }

  void offline(Instant now) override {
    online_ = false;
    in_flight_.clear();
    run([&](auto& out) { endpoint_->set_online(false, 0, now, out); }, now);
  }

  void receive(ByteView payload, Instant now) override {
    run([&](auto& out) { endpoint_->receive(payload, now, out); }, now);
  }

  void published(mqtt::PublishId id, const Result<void>& outcome, Instant now) override {
    const auto ticket = in_flight_.extract(id);
    if (outcome) return;
    if (ticket.empty()) return refused(outcome.error());
    give_up(ticket.mapped(), now);
  }

  Result<void> send(std::string_view text, bool encrypted, Instant now) override {
    if (!encrypted) return fail(Errc::refused, "this session is encrypted", "use sendenc");
    const auto links = endpoint_->links();
    if (over_ || links.empty()) {
      return fail(Errc::refused, "no session is up yet", "wait for \"session is up\"");
    }
    // Of several peers a silent one doesn't hold the others up.
    const auto out_of_reach = [&](const protocol::Link* link) {
      return link->full() && link->silent() && links.size() > 1;
    };
    if (std::ranges::any_of(
            links, [&](const auto* link) { return link->full() && !out_of_reach(link); })) {
      wants_room_ = true;
      return fail(Errc::limit, "too many messages wait for the peer's acknowledgement",
                  "wait until some are acknowledged; status counts them");
    }
    Result<void> outcome;
    run(
        [&](auto& out) {
          for (auto* link : links) {
            if (out_of_reach(link)) {
              port_.given_up(1, fmt::format("a message was not sent to {}: it doesn't answer, and "
                                            "too many wait for it",
                                            trusted_.name(*link->peer())));
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
    kill_all(now);
    end_if_done();
  }

  std::size_t unacknowledged() const override {
    std::size_t count = 0;
    for (const auto* link : endpoint_->links()) count += link->unacknowledged();
    return count;
  }

  Instant next_deadline() const override { return endpoint_->next_deadline(); }
  void advance(Instant now) override {
    run([&](auto& out) { endpoint_->advance(now, out); }, now);
  }

  void describe(Status& status, Instant now) const override {
    status.protocol = "STS 2";
    status.cipher = "none";
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
    const auto links = endpoint_->links();
    if (wants_room_ && std::ranges::none_of(links, [](auto* link) { return link->full(); })) {
      wants_room_ = false;
      port_.room();
    }
  }

  void carry_out(const protocol::Publish& publish, std::vector<protocol::Ticket>& unsendable) {
    if (!online_) return;
    const auto id = port_.publish(publish.frame, qos());
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
    port_.log(Level::error, one_line(why));
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

  std::string peer_shown(const crypto::PublicKey& key) const {
    return trusted_.one_peer() ? std::string() : trusted_.name(key);
  }

  void on(const protocol::Delivered& it, Instant) {
    port_.received(peer_shown(it.peer), it.message);
  }

  void on(const protocol::Up& it, Instant now) {
    auto* link = endpoint_->link(it.peer);
    if (stopping_ && !it.renewed && link) {
      // It came too late for stop() to end it.
      run([&](auto& out) { link->kill(now, out); }, now);
    }
    const std::string name = trusted_.name(it.peer);
    if (it.peer_restarted) {
      port_.log(Level::info, fmt::format("session is up with {}, which was restarted", name));
    } else if (it.renewed) {
      port_.log(Level::info, fmt::format("session with {} has new keys", name));
    } else {
      port_.log(Level::info, fmt::format("session is up with {}, fingerprint {}", name,
                                         crypto::fingerprint(it.peer)));
    }
    port_.up(true);
  }

  void on(const protocol::Pinned& it, Instant now) {
    const auto pinned = trusted_.pin(it.peer, home_);
    if (!pinned) {
      kill_all(now);
      return end(pinned.error());
    }
    port_.log(Level::warning, fmt::format("pinned {} on first use: key {}, fingerprint {}; compare "
                                          "it with the peer's `sts key show`",
                                          trusted_.name(it.peer), crypto::to_text(it.peer),
                                          crypto::fingerprint(it.peer)));
  }

  void on(const protocol::Killed& it, Instant) {
    over_ = trusted_.one_peer();
    const std::string role = mode_ == Mode::initiator ? "slave" : "master";
    const std::string name = peer_shown(it.peer);
    port_.log(Level::info, "Received KILL from " + role + (name.empty() ? "" : " " + name));
    std::optional<Error> lost;
    if (it.undelivered > 0) {
      lost =
          Error{Errc::io, fmt::format("{} messages were not delivered: the peer ended the session",
                                      it.undelivered)};
      if (!trusted_.one_peer()) port_.given_up(it.undelivered, lost->message);
    }
    if (trusted_.one_peer()) return end(lost);
    if (endpoint_->links().empty()) port_.up(false);
    end_if_done();
  }

  void on(const protocol::Finished&, Instant) { end_if_done(); }

  void on(const protocol::Notice& it, Instant now) {
    const auto line =
        notices_.say(it, it.peer ? trusted_.name(*it.peer) : "the peer", subtop_, mode_, now);
    if (!line) return;
    if (it.kind == protocol::NoticeKind::dropped) return port_.given_up(it.count, line->text);
    port_.log(line->level, line->text);
  }

  void end_if_done() {
    const auto links = endpoint_->links();
    if (stopping_ && std::ranges::all_of(links, [](auto* link) { return link->idle(); })) {
      port_.ended({});
    }
  }

  Port& port_;
  const store::Home& home_;
  std::unique_ptr<crypto::KeyPair> identity_;  // the endpoint keeps its address
  Trusted trusted_;
  Mode mode_;
  std::string subtop_;
  std::unique_ptr<protocol::Endpoint> endpoint_;
  Notices notices_;
  std::map<mqtt::PublishId, protocol::Ticket> in_flight_;
  bool online_ = false, stopping_ = false, wants_room_ = false, refusal_told_ = false;
  bool over_ = false;  // ended() was said: nothing more is
};

Result<crypto::KeyPair> identity(const store::Home& home, Random& random, Port& port) {
  auto loaded = store::load_identity(home);
  if (!loaded) return tl::unexpected<Error>(loaded.error());
  if (*loaded) return std::move(**loaded);
  auto made = store::create_identity(home, random);
  if (made) {
    port.log(Level::info,
             fmt::format("made a new identity in {}: {}", home.identity_file().string(),
                         crypto::to_text(made->public_key)));
  }
  return made;
}

}  // namespace

Result<std::unique_ptr<Conversation>> make_secure(const Config& config, const store::Home& home,
                                                  Random& random, Port& port) {
  auto trusted = Trusted::load(config, home);
  if (!trusted) return tl::unexpected<Error>(trusted.error());
  auto own = identity(home, random, port);
  if (!own) return tl::unexpected<Error>(own.error());
  return std::make_unique<Secure>(config, home, std::move(*own), std::move(*trusted), random, port);
}

}  // namespace sts::client
