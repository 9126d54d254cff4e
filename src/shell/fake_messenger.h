// For the tests of the shell: a client without a broker, that does what the config's name says.
#pragma once

#include <fmt/format.h>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/read_until.hpp>
#include <string>

#include "client/client.h"
#include "crypto/hex.h"

namespace sts::shell {

/// "up": comes up. "never": waits for a peer. "refused": fails. "full": up, and every first try to
/// send is refused for lack of room. "slow": up, and only an impatient stop ends it. All that it is
/// asked is logged.
class FakeMessenger : public client::Messenger {
 public:
  /// Each line that can be read from `events` (owned; -1: none) is a message of the peer.
  FakeMessenger(asio::io_context& loop, client::Observer& observer, int events)
      : loop_(loop), observer_(observer), events_(loop) {
    if (events < 0) return;
    events_.assign(events);
    read_event();
  }

  Result<void> start(client::Config config, std::optional<Duration> timeout) override {
    name_ = config.name;
    say(timeout ? fmt::format("start {} for {} s", name_, timeout->count() / 1'000'000'000)
                : fmt::format("start {} for ever", name_));
    state_ = client::State::connecting;
    if (name_ == "refused") {
      change(client::State::stopped, Error{Errc::io, "connection refused", "install a broker"});
    } else {
      change(client::State::waiting);
      if (name_ != "never") change(client::State::up);
    }
    return {};
  }

  void stop(bool impatient) override {
    say(fmt::format("stop{}", impatient ? " impatiently" : ""));
    if (state_ == client::State::up) set(client::State::stopping, {});
    if (state_ == client::State::stopping && name_ == "slow" && !impatient) return;
    if (state_ == client::State::stopping) {
      change(client::State::stopped);
    } else {
      set(client::State::stopped, {});
    }
  }

  Result<void> send(std::string_view) override {
    return fail(Errc::refused, "the session is encrypted", "use 'sendenc'");
  }

  Result<void> send_encrypted(std::string_view text) override {
    if (state_ != client::State::up) return fail(Errc::refused, "no session is up");
    if (name_ == "full" && (full_ = !full_)) {
      asio::post(loop_, [this] { observer_.on_room(); });
      return fail(Errc::limit, "too much is unacknowledged");
    }
    ++sent_;
    observer_.on_sent(as_bytes(text));
    return {};
  }

  client::State state() const override { return state_; }
  client::Status status() const override {
    client::Status status;
    status.state = state_;
    status.sent = sent_;
    return status;
  }

 private:
  void say(const std::string& text) { observer_.on_log(client::Level::info, "fake: " + text); }

  void change(client::State state, const std::optional<Error>& failed = {}) {
    asio::post(loop_, [this, state, failed] {
      if (state_ != client::State::stopped) set(state, failed);
    });
  }

  void set(client::State state, const std::optional<Error>& failed) {
    state_ = state;
    say(fmt::format("state {}", static_cast<int>(state)));
    observer_.on_state(state, failed);
  }

  void read_event() {
    asio::async_read_until(events_, asio::dynamic_buffer(event_), '\n',
                           [this](std::error_code error, std::size_t size) {
                             if (error) return;
                             observer_.on_message("", as_bytes(event_.substr(0, size - 1)));
                             event_.erase(0, size);
                             read_event();
                           });
  }

  asio::io_context& loop_;
  client::Observer& observer_;
  asio::posix::stream_descriptor events_;
  std::string event_, name_;
  client::State state_ = client::State::stopped;
  std::uint64_t sent_ = 0;
  bool full_ = false;
};

}  // namespace sts::shell
