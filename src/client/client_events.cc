// What happens to a session: time, the broker, its conversation, its end.
#include <fmt/format.h>

#include <algorithm>
#include <asio/post.hpp>
#include <utility>

#include "base/counted.h"
#include "client/client.h"
#include "mqtt/errors.h"
#include "mqtt/packet_size.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

// A peer that is there comes sooner, even after a broker that was gone for a while.
constexpr Duration remind_after = 30s;

}  // namespace

Instant Client::own_deadline() const {
  const Instant next = std::min(patience_until_, remind_at_);
  return conversation_ ? std::min(next, conversation_->next_deadline()) : next;
}

Instant Client::next_deadline() const { return std::min(own_deadline(), uplink_.next_deadline()); }

void Client::advance() {
  uplink_.advance();
  advance_own();
}

void Client::advance_own() {
  const Instant now = clock_();
  if (now >= patience_until_) {
    if (state_ == State::stopping) return finish(undelivered());
    if (const auto count = conversation_->unacknowledged(); count > 0) {
      if (const auto kept = conversation_->kept(count)) log(error_line(*kept));
    }
    return finish(no_session());
  }
  if (now >= remind_at_) {
    remind_at_ = never;
    log({Level::warning, "still waiting for the peer", conversation_->no_session_hint()});
  }
  if (conversation_ && now >= conversation_->next_deadline()) conversation_->advance(now);
  schedule();
}

// --- Uplink::Owner

void Client::on_online(const mqtt::Connected& broker) {
  if (state_ == State::connecting) {
    change(State::waiting);
    remind_at_ = clock_() + remind_after;
  }
  const auto max_payload = mqtt::largest_payload(config_.pubtop.size(), conversation_->qos(),
                                                 broker.version, broker.maximum_packet_size);
  conversation_->online(max_payload, broker.resumed, clock_());
  schedule();
}

void Client::on_offline() {
  conversation_->offline(clock_());
  give_up_topics();
  schedule();
}

void Client::on_message(mqtt::Message message) {
  conversation_->receive(std::move(message), clock_());
  schedule();
}

void Client::on_published(mqtt::PublishId id, const Result<void>& outcome) {
  conversation_->published(id, outcome, clock_());
  schedule();
}

// --- Port

void Client::received(Received received) {
  ++received_;
  received.at = std::chrono::system_clock::now();
  const auto place = received.place;
  observer_.on_message(received);
  if (place == 0 || takes_late_) return;
  // All of a turn of the loop in one go: it is written to the disk.
  if (std::exchange(taken_, place) == 0) later([this] { taken(std::exchange(taken_, 0)); });
}

void Client::taken(std::uint64_t place) {
  if (!conversation_) return;
  conversation_->taken(place, clock_());
  schedule();
}

Result<void> Client::take(std::uint64_t place, std::span<const store::Inbox::Message> rows) {
  if (!conversation_) return {};
  auto done = conversation_->take(place, rows, clock_());
  schedule();
  return done;
}

void Client::up(bool up) {
  up_ = up;
  if (state_ == State::stopping) return;
  if (up) {
    was_up_ = true;
    patience_until_ = remind_at_ = never;
  }
  change(up ? State::up : State::waiting);
}

// The conversation is still at work when it says so.
void Client::ended(std::optional<Error> failed) {
  later([this, failed = std::move(failed)] { finish(failed); });
}

void Client::room() {
  later([this] { observer_.on_room(); });
}

void Client::drained() {
  later([this] { observer_.on_drained(); });
}

void Client::given_up(std::size_t messages, const Error& why) {
  given_up_ += messages;
  log(error_line(why));
}

// --- The end

void Client::later(std::function<void()> what) {
  asio::post(loop_, [what = std::move(what), alive = std::weak_ptr(session_alive_)] {
    if (alive.lock()) what();
  });
}

void Client::change(State state) {
  if (state == state_) return;
  state_ = state;
  tell_state(state, {});
}

void Client::tell_state(State state, const std::optional<Error>& failed) {
  // Posted, since whoever waits for it will call start(), stop() or send().
  asio::post(loop_, [this, state, failed, alive = std::weak_ptr(client_alive_)] {
    if (alive.lock()) observer_.on_state(state, failed);
  });
}

std::optional<Error> Client::undelivered() const {
  const auto count = conversation_->unacknowledged();
  if (count == 0) return std::nullopt;
  if (auto kept = conversation_->kept(count)) return kept;
  return Error{Errc::io,
               counted(count, "message was", "messages were") +
                   " not acknowledged in time and may not have arrived",
               "look at the other side before you send them again"};
}

Error Client::no_session() const {
  const auto seconds = start_timeout_ / 1s;
  if (uplink_.was_online()) {
    return {Errc::limit, fmt::format("no session after {} s", seconds),
            conversation_->no_session_hint()};
  }
  return {
      Errc::limit,
      fmt::format("no session after {} s: no answer from {}", seconds, mqtt::where(config_.broker)),
      "check url and port, and firewalls in between"};
}

void Client::finish(std::optional<Error> failed) {
  if (state_ == State::stopped) return;
  if (const auto place = std::exchange(taken_, 0); place != 0) taken(place);
  session_alive_ = std::make_shared<int>();
  uplink_.close();
  up_ = false;
  if (!failed && given_up_ > 0) {
    failed = Error{Errc::io, counted(given_up_, "message was", "messages were") + " not delivered",
                   "the errors above say why"};
  }
  conversation_.reset();
  config_ = {};
  granted_.clear();
  subscribing_.clear();
  unsubscribing_.clear();
  patience_until_ = remind_at_ = never;
  schedule();
  state_ = State::stopped;
  if (failed) log(error_line(*failed));
  if (was_up_) {
    log({Level::info, "session stopped"});
  } else if (!failed) {
    log({Level::info, "the start was called off: no session was up"});
  }
  tell_state(State::stopped, failed);
}

}  // namespace sts::client
