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
  struct Line {
    Level level;
    std::string text;
  };
  std::vector<Line> lines;
  std::vector<std::string> messages;  // "peer: text", or "text" where there is one peer
  std::vector<Bytes> sent;
  std::vector<State> states;
  std::optional<Error> failed;  // what the last stopped came with
  int rooms = 0;
  std::function<void(const std::string&)> log_hook, message_hook;
  std::function<void(State)> state_hook;
  std::function<void()> sent_hook, room_hook;

  void on_log(Level level, const std::string& line) override {
    EXPECT_EQ(line.find('\n'), line.npos) << line;
    lines.push_back({level, line});
    if (log_hook) log_hook(line);
  }
  void on_message(const std::string& peer, ByteView message) override {
    messages.push_back((peer.empty() ? "" : peer + ": ") + std::string(as_text(message)));
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

  std::size_t count(std::string_view part) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        lines, [&](const Line& line) { return line.text.find(part) != std::string::npos; }));
  }
  bool logged(std::string_view part) const { return count(part) > 0; }
  std::string log() const {
    std::string out;
    for (const auto& line : lines) out += line.text + "\n";
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
    auto loaded = store::load_identity(home);
    if (loaded && *loaded) return std::move(**loaded);
    return *store::create_identity(home, random);
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
  static crypto::Psk psk(std::uint8_t fill) {
    crypto::Psk out;
    std::ranges::fill(out.writable(), fill);
    return out;
  }

  void start(Side& who, Config config, std::optional<Duration> timeout = {}) {
    const auto started = who->start(std::move(config), timeout);
    ASSERT_TRUE(started) << started.error().message;
  }
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
