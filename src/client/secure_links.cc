// What becomes of a session's links: they come up, bring messages, and end.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/counted.h"
#include "client/sealed_will.h"
#include "client/secure.h"

namespace sts::client {

Result<void> Secure::send_to_all(std::string_view text, Instant now) {
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

/// Of several peers one that is silent, or acknowledges nothing, doesn't hold the others up.
bool Secure::must_wait(Instant now) const {
  const auto links = endpoint_->links();
  return std::ranges::any_of(links, [&](const auto* link) {
    const bool out_of_reach = link->silent() || link->stalled(now);
    return link->full() && !(out_of_reach && links.size() > 1);
  });
}

Error Secure::out_of_reach_error(const protocol::Link& link) const {
  return {Errc::limit,
          fmt::format("a message was not sent to {}: it acknowledges none, and too many wait",
                      trusted_.name(*link.peer())),
          "look whether it still runs; send it again once it answers"};
}

const std::string& Secure::fingerprint_of(const crypto::PublicKey& key) {
  if (!last_sender_ || *last_sender_ != key) fingerprint_ = crypto::fingerprint(key);
  last_sender_ = key;
  return fingerprint_;
}

std::string Secure::peer_shown(const crypto::PublicKey& key) const {
  return trusted_.one_peer() ? std::string() : trusted_.name(key);
}

void Secure::on(const protocol::Up& it, Instant now) {
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

void Secure::on(const protocol::Pinned& it, Instant now) {
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

void Secure::on(const protocol::Delivered& it, Instant now) {
  Received received{{subtop_, it.message, qos()}, true,
                    !trusted_.one_peer(),         trusted_.name(it.peer),
                    fingerprint_of(it.peer),      it.peer};
  if (it.durable) {
    const auto place = take_in(it, now);
    if (!place) return;
    received.place = *place;
    received.durable = channel::Durable{{it.durable->queue}, it.durable->number};
  }
  port_.received(std::move(received));
}

void Secure::on(const protocol::Killed& it, Instant) {
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

void Secure::on(const protocol::Finished&, Instant) { end_if_done(); }

void Secure::on(const protocol::LastWill& it, Instant) {
  port_.log(will_line(it, trusted_.name(it.peer)));
}

void Secure::on(const protocol::Notice& it, Instant now) {
  const auto line = notices_.say(it, it.peer ? trusted_.name(*it.peer) : "the peer", now);
  if (!line) return;
  if (it.kind == protocol::NoticeKind::dropped && outbox_) {
    // They are still there, and those behind them wait for them at the peer.
    resend_at_ = now + std::chrono::seconds(5);
    return port_.log({Level::warning, line->text + "; tried again from the outbox", line->hint});
  }
  if (it.kind == protocol::NoticeKind::dropped) {
    return port_.given_up(it.count, {Errc::refused, line->text, line->hint});
  }
  port_.log(*line);
}

void Secure::kill_all(Instant now) {
  run(
      [&](auto& out) {
        for (auto* link : endpoint_->links()) link->kill(now, out);
      },
      now);
}

void Secure::end(std::optional<Error> failed) {
  over_ = true;
  port_.ended(std::move(failed));
}

void Secure::end_if_done() {
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

}  // namespace sts::client
