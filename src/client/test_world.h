// Clients on a broker in memory, with a clock that only tests move.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/client.h"
#include "crypto/random.h"
#include "mqtt/fake.h"
#include "store/identity.h"
#include "store/peers.h"
#include "store/test_home.h"

namespace sts::client {

/// Keeps what it is told; the hooks come after.
class Recorder : public Observer {
 public:
  std::vector<Line> lines;
  std::vector<std::string> messages;  // "peer: text", or "text" where there is one peer
  std::vector<std::uint64_t> places;  // of those that are durable
  std::vector<std::string> answers;   // to subscribe() and unsubscribe()
  std::vector<Bytes> sent;
  std::vector<State> states;
  std::optional<Error> failed;  // what the last stopped came with
  int rooms = 0;
  std::function<void(const std::string&)> log_hook, message_hook;
  std::function<void(State)> state_hook;
  std::function<void()> sent_hook, room_hook;

  void on_log(const Line& line) override {
    EXPECT_EQ((line.text + line.hint).find('\n'), std::string::npos) << line.text << line.hint;
    lines.push_back(line);
    if (log_hook) log_hook(line.text);
  }
  void on_message(const Received& received) override {
    messages.push_back((received.one_of_many ? received.sender + ": " : "") +
                       std::string(as_text(received.message.payload)));
    if (received.place != 0) places.push_back(received.place);
    if (message_hook) message_hook(messages.back());
  }
  void on_sent(ByteView wire) override {
    sent.push_back(to_bytes(wire));
    if (sent_hook) sent_hook();
  }
  void on_state(State state, const std::optional<Error>& why) override {
    states.push_back(state);
    if (state == State::stopped) failed = why;
    if (state_hook) state_hook(state);
  }
  void on_room() override {
    ++rooms;
    if (room_hook) room_hook();
  }
  void on_subscribed(const std::string& filter, const Result<mqtt::Qos>& granted) override {
    answers.push_back(granted ? filter + " QoS " + std::to_string(static_cast<int>(*granted))
                              : filter + ": " + granted.error().message);
  }
  void on_unsubscribed(const std::string& filter, const Result<void>& outcome) override {
    answers.push_back(outcome ? filter + " gone" : filter + ": " + outcome.error().message);
  }

  std::size_t count(std::string_view part) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        lines, [&](const Line& line) { return shown(line).find(part) != std::string::npos; }));
  }
  /// With its hint.
  static std::string shown(const Line& line) {
    return line.hint.empty() ? line.text : line.text + " (" + line.hint + ")";
  }
  bool logged(std::string_view part) const { return count(part) > 0; }
  std::string log() const {
    std::string out;
    for (const auto& line : lines) out += shown(line) + "\n";
    return out;
  }
};

/// One user: home, client and what it told.
struct Side {
  Side(asio::io_context& loop, mqtt::FakeBroker& broker, const Instant& now, std::uint64_t seed)
      : home(test_home.home()),
        random(seed),
        client(std::make_unique<Client>(
            loop, home, random, seen,
            [&](mqtt::Handler& handler) {
              auto made = std::make_unique<mqtt::FakeTransport>(broker, handler);
              transport = made.get();
              return made;
            },
            [&now] { return now; })) {}

  Client* operator->() { return client.get(); }
  State state() const { return client->state(); }
  Instant next_deadline() const { return client ? client->next_deadline() : never; }
  /// Makes the identity where there is none.
  crypto::KeyPair identity() {
    return std::move(store::load_or_create_identity(home, random)->pair);
  }
  crypto::PublicKey key() { return identity().public_key; }

  store::TestHome test_home;
  store::Home home;
  crypto::SeededRandom random;
  Recorder seen;
  mqtt::FakeTransport* transport = nullptr;
  std::unique_ptr<Client> client;
};

class World : public testing::Test {
 protected:
  using Strings = std::vector<std::string>;

  World() { crypto::initialise(); }
  ~World() override {
    // Clients before the broker.
    sides_.clear();
  }

  Side& side() {
    sides_.push_back(std::make_unique<Side>(loop, broker, now, sides_.size() + 1));
    return *sides_.back();
  }

  /// A config as the loader makes it.
  static Config config(Mode mode, std::string name = "pump") {
    Config out;
    out.name = std::move(name);
    out.mode = mode;
    out.subtop = mode == Mode::initiator ? "down" : "up";
    out.pubtop = mode == Mode::initiator ? "up" : "down";
    out.bind_subtop = out.subtop;
    out.bind_pubtop = out.pubtop;
    out.peers = {FirstUse{}};
    return out;
  }
  static Config pinned(Mode mode, const crypto::PublicKey& peer) {
    Config out = config(mode);
    out.peers = {peer};
    return out;
  }
  static Config channel_config(Strings channels = {}, std::string pubtop = {}) {
    Config out;
    out.name = "plant";
    out.mode = Mode::channel;
    out.channels = std::move(channels);
    out.pubtop = std::move(pubtop);
    return out;
  }
  static crypto::Psk psk(std::uint8_t fill) {
    crypto::Psk out;
    std::ranges::fill(out.writable(), fill);
    return out;
  }

  void start(Side& who, Config config, std::optional<Duration> timeout = {}) {
    const auto started = who->start(std::move(config), timeout);
    ASSERT_TRUE(started) << started.error().message;
  }
  /// As SIGKILL does, but for what has reached the disk.
  void kill(Side& who) {
    broker.cut(*who.transport);
    who->stop(true);
    loop.restart();
    loop.poll();
  }
  /// In its outbox.
  static std::uint64_t waiting(Side& who) { return who->status().outbox.value_or(1000); }
  /// Starts it, and lets happen what does without time passing.
  void run(Side& who, Config config, std::optional<Duration> timeout = {}) {
    start(who, std::move(config), timeout);
    run();
  }

  void run() {
    for (int i = 0; i < 10'000; ++i) {
      // The broker first: a real connection says all it has to before it ends.
      broker.run();
      loop.restart();
      if (loop.poll() == 0) return;
    }
    FAIL() << "it never comes to rest";
  }

  /// Lets `time` pass from deadline to deadline.
  void run_for(Duration time) {
    const Instant end = now + time;
    int at_once = 0;
    for (run();;) {
      Instant next = never;
      for (auto& it : sides_) next = std::min(next, it->next_deadline());
      if (next > end) break;
      at_once = next > now ? 0 : at_once + 1;
      ASSERT_LT(at_once, 1000) << "a deadline that doesn't go away: busy waiting";
      now = std::max(now, next);
      for (auto& it : sides_) {
        if (it->next_deadline() <= now) it->client->advance();
      }
      run();
    }
    now = end;
  }

  /// Text of all that the broker saw.
  std::string wire() const {
    std::string out;
    for (const auto& message : broker.published) out += as_text(message.payload);
    return out;
  }

  asio::io_context loop;
  mqtt::FakeBroker broker;
  Instant now{std::chrono::hours(1)};

 private:
  std::vector<std::unique_ptr<Side>> sides_;
};

}  // namespace sts::client
