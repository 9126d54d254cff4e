// This side's face of a session, and the way to the broker.
#include "client/secure.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "client/sealed_will.h"
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

}  // namespace

Secure::Secure(const Config& config, const store::Home& home, crypto::KeyPair identity,
               Trusted trusted, protocol::Trust trust, Random& random, Port& port, Clock clock,
               OpenOutbox open_outbox)
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

void Secure::connecting(mqtt::Options& options) {
  if (!will_) return;
  // It was checked that this can't fail.
  options.will = {pubtop_, *endpoint_->wills().seal(will_->payload), will_->qos};
}

void Secure::online(std::size_t max_payload, bool, Instant now) {
  online_ = true;
  refusal_told_ = false;
  run([&](auto& out) { endpoint_->set_online(true, max_payload, now, out); }, now);
  if (endpoint_->links().empty()) port_.log({Level::info, "waiting for the peer"});
}

void Secure::offline(Instant now) {
  online_ = false;
  in_flight_.clear();
  run([&](auto& out) { endpoint_->set_online(false, 0, now, out); }, now);
}

void Secure::receive(mqtt::Message message, Instant now) {
  if (now >= end_) return;  // whoever waits for the end may not have woken up yet
  run([&](auto& out) { endpoint_->receive(message.payload, now, out); }, now);
}

void Secure::published(mqtt::PublishId id, const Result<void>& outcome, Instant now) {
  const auto ticket = in_flight_.extract(id);
  if (ticket.empty()) {
    if (!outcome) refused(outcome.error());
    return;
  }
  if (!outcome) return give_up(ticket.mapped(), now);
  auto* link = endpoint_->link(ticket.mapped().peer);
  if (link) run([&](auto& out) { link->published(now, out); }, now);
}

Result<void> Secure::send(std::string_view text, bool encrypted, Instant now) {
  if (!encrypted) return fail(Errc::refused, "this session is encrypted", "use sendenc");
  return accepts_offline() ? send_durable(text) : send_to_all(text, now);
}

void Secure::stop(Instant now) {
  stopping_ = true;
  if (outbox_) outbox_->tell_dropped();
  outbox_due();
  if (!outbox_) kill_all(now);
  end_if_done();
}

std::size_t Secure::unacknowledged() const {
  if (outbox_) return outbox_->waiting().value_or(0);
  std::size_t count = 0;
  for (const auto* link : endpoint_->links()) count += link->unacknowledged();
  return count;
}

Instant Secure::next_deadline() const {
  return std::min({endpoint_->next_deadline(), retry_at_, resend_at_});
}

void Secure::advance(Instant now) {
  if (now >= retry_at_) taken(taken_, now);
  if (now >= resend_at_) {
    resend_at_ = never;
    outbox_->begin();
  }
  run([&](auto& out) { endpoint_->advance(now, out); }, now);
}

void Secure::describe(Status& status, Instant now) const {
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

void Secure::carry_out(protocol::Effects& effects, Instant now) {
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

void Secure::carry_out(const protocol::Publish& publish,
                       std::vector<protocol::Ticket>& unsendable) {
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
void Secure::refused(const Error& why) {
  if (std::exchange(refusal_told_, true)) return;
  port_.log(error_line(why));
}

void Secure::give_up(const protocol::Ticket& ticket, Instant now) {
  auto* link = endpoint_->link(ticket.peer);
  if (link) run([&](auto& out) { link->publish_failed(ticket.entry, now, out); }, now);
}

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
  Secure::OpenOutbox open_outbox;
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
