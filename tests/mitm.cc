// A hostile broker's hands, for the end-to-end tests: stands between a master on the topics m/up
// and m/down and a slave on s/up and s/down, and does to their frames what its arguments say.
//
//   mitm PORT relay          passes frames on
//   mitm PORT reflect        passes them on, and back to who sent them
//   mitm PORT replay         passes them on, and everything before once more
//   mitm PORT flip N         passes them on, with one bit turned in every N-th ENC of each side
//   mitm PORT identity       answers both as itself, and passes on what it can read
//   mitm PORT public M S     the same, claiming S's public key to the master and M's to the slave
//
// Prints READY when it listens, KEY and its public key, UP and READ for what it brought about.
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crypto/keys.h"
#include "crypto/random.h"
#include "mqtt/mosquitto.h"
#include "protocol/frame.h"
#include "protocol/initiator.h"
#include "protocol/responder.h"

namespace sts {
namespace {

enum class Side { master, slave };
Side other(Side side) { return side == Side::master ? Side::slave : Side::master; }
const char* name(Side side) { return side == Side::master ? "master" : "slave"; }
std::string topic_from(Side side) { return side == Side::master ? "m/up" : "s/down"; }
std::string topic_to(Side side) { return side == Side::master ? "m/down" : "s/up"; }

Instant now() { return std::chrono::steady_clock::now(); }

template <typename... Words>
void print(const Words&... words) {
  std::string line;
  ((line += std::string(words) + " "), ...);
  line.back() = '\n';
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

using Send = std::function<void(Side to, ByteView frame)>;

class Attack {
 public:
  virtual ~Attack() = default;
  virtual void online() {}
  virtual void on_frame(Side from, ByteView frame) = 0;
  virtual Instant next_deadline() const { return never; }
  virtual void advance() {}
};

/// Passes frames on, and then does something more, or before that something to them.
class Relay : public Attack {
 public:
  using Change = std::function<void(Side from, Bytes& frame)>;
  using After = std::function<void(Side from, ByteView frame)>;
  Relay(Send send, Change change, After after)
      : send_(std::move(send)), change_(std::move(change)), after_(std::move(after)) {}

  void on_frame(Side from, ByteView frame) override {
    Bytes passed = to_bytes(frame);
    if (change_) change_(from, passed);
    send_(other(from), passed);
    if (after_) after_(from, frame);
  }

 private:
  Send send_;
  Change change_;
  After after_;
};

Relay::After replay(const Send& send) {
  return [send, before = std::vector<std::pair<Side, Bytes>>()](Side from, ByteView frame) mutable {
    constexpr std::size_t most = 100;
    if (before.size() >= most) return;
    before.emplace_back(from, to_bytes(frame));
    for (const auto& [author, old] : before) {
      send(other(author), old);
      send(author, old);
    }
  };
}

Relay::Change flip(std::size_t every) {
  return [every, counts = std::map<Side, std::size_t>()](Side from, Bytes& frame) mutable {
    const auto decoded = protocol::decode(frame);
    if (!decoded || !std::holds_alternative<protocol::Enc>(*decoded)) return;
    const auto count = ++counts[from];
    if (count % every == 0) frame[count % frame.size()] ^= 1U;
  };
}

/// Slave to the master and master to the slave.
class Impostor : public Attack {
 public:
  Impostor(Send send, crypto::KeyPair to_master, crypto::KeyPair to_slave)
      : send_(std::move(send)), to_master_(std::move(to_master)), to_slave_(std::move(to_slave)) {
    ends_[Side::master] =
        std::make_unique<protocol::Responder>(setup(to_master_, "m/up", "m/down"));
    ends_[Side::slave] = std::make_unique<protocol::Initiator>(setup(to_slave_, "s/up", "s/down"));
  }

  void online() override {
    for (auto& [side, end] : ends_) {
      run(side, [&, &end = end](auto& out) { end->set_online(true, 100'000, now(), out); });
    }
  }
  void on_frame(Side from, ByteView frame) override {
    run(from, [&](auto& out) { ends_[from]->receive(frame, now(), out); });
  }
  Instant next_deadline() const override {
    Instant first = never;
    for (const auto& [side, end] : ends_) first = std::min(first, end->next_deadline());
    return first;
  }
  void advance() override {
    for (auto& [side, end] : ends_)
      run(side, [&, &end = end](auto& out) { end->advance(now(), out); });
  }

 private:
  protocol::Setup setup(const crypto::KeyPair& identity, std::string_view up,
                        std::string_view down) {
    // It takes whoever comes.
    protocol::Trust anyone;
    anyone.first_use.emplace();
    return {&identity,
            {to_bytes(as_bytes(up)), to_bytes(as_bytes(down))},
            std::move(anyone),
            {},
            &random_};
  }

  template <typename Step>
  void run(Side side, Step step) {
    protocol::Effects out;
    step(out);
    for (const auto& publish : out.publish) send_(side, publish.frame);
    for (const auto& event : out.events) {
      if (std::holds_alternative<protocol::Up>(event)) {
        print("UP", name(side));
        pass_on(side);
      } else if (const auto* read = std::get_if<protocol::Delivered>(&event)) {
        print("READ", name(side), as_text(read->message));
        waiting_[other(side)].push_back(read->message);
        pass_on(other(side));
      }
    }
  }

  void pass_on(Side to) {
    const auto links = ends_[to]->links();
    if (links.empty()) return;
    auto waiting = std::exchange(waiting_[to], {});
    for (auto& message : waiting) {
      run(to, [&](auto& out) { (void)links[0]->send(std::move(message), now(), out); });
    }
  }

  Send send_;
  crypto::SystemRandom random_;
  crypto::KeyPair to_master_, to_slave_;
  std::map<Side, std::unique_ptr<protocol::Endpoint>> ends_;
  std::map<Side, std::vector<Bytes>> waiting_;
};

/// The connection to the broker, and the attack's clock.
class Mitm : public mqtt::Handler {
 public:
  explicit Mitm(asio::io_context& loop) : transport_(loop, *this), timer_(loop) {}

  void run(std::unique_ptr<Attack> attack, std::uint16_t port) {
    attack_ = std::move(attack);
    mqtt::Options options;
    options.host = "127.0.0.1";
    options.port = port;
    transport_.connect(options);
  }
  void send(Side to, ByteView frame) {
    (void)transport_.publish({topic_to(to), to_bytes(frame), mqtt::Qos::at_least_once});
  }

 private:
  void on_connected(const mqtt::Connected&) override {
    for (const auto side : {Side::master, Side::slave}) {
      transport_.subscribe({topic_from(side), mqtt::Qos::at_least_once, true});
    }
  }
  void on_disconnected(const Error& why, int) override {
    print("ERROR", why.message);
    std::exit(EXIT_FAILURE);
  }
  void on_unsubscribed(const std::string&, Result<void>) override {}
  void on_subscribed(const std::string&, Result<mqtt::Qos> outcome) override {
    if (!outcome) return on_disconnected(outcome.error(), 0);
    if (++subscribed_ < 2) return;
    attack_->online();
    schedule();
    print("READY");
  }
  void on_message(mqtt::Message message) override {
    const Side from = message.topic == topic_from(Side::master) ? Side::master : Side::slave;
    attack_->on_frame(from, message.payload);
    schedule();
  }
  void on_published(mqtt::PublishId, Result<void>) override {}

  void schedule() {
    const Instant next = attack_->next_deadline();
    if (next == never) return;
    timer_.expires_at(next);
    timer_.async_wait([this](const asio::error_code& cancelled) {
      if (cancelled) return;
      attack_->advance();
      schedule();
    });
  }

  mqtt::Mosquitto transport_;
  asio::steady_timer timer_;
  std::unique_ptr<Attack> attack_;
  int subscribed_ = 0;
};

/// A key pair of our own, with somebody else's public half.
Result<crypto::KeyPair> pretend(const std::string& key, Random& random) {
  const auto claimed = crypto::parse_public_key(key);
  if (!claimed) return tl::unexpected<Error>(claimed.error());
  auto pair = crypto::KeyPair::generate(random);
  pair.public_key = *claimed;
  return pair;
}

std::unique_ptr<Attack> make_attack(const std::vector<std::string>& words, const Send& send) {
  crypto::SystemRandom random;
  const auto& mode = words[0];
  if (mode == "relay") return std::make_unique<Relay>(send, nullptr, nullptr);
  if (mode == "reflect") return std::make_unique<Relay>(send, nullptr, send);
  if (mode == "replay") return std::make_unique<Relay>(send, nullptr, replay(send));
  if (mode == "flip" && words.size() == 2) {
    return std::make_unique<Relay>(send, flip(std::stoul(words[1])), nullptr);
  }
  if (mode == "identity") {
    auto own = crypto::KeyPair::generate(random);
    print("KEY", crypto::to_text(own.public_key));
    auto same = own.clone();
    return std::make_unique<Impostor>(send, std::move(own), std::move(same));
  }
  if (mode == "public" && words.size() == 3) {
    auto master = pretend(words[1], random);
    auto slave = pretend(words[2], random);
    if (!master || !slave) return nullptr;
    return std::make_unique<Impostor>(send, std::move(*slave), std::move(*master));
  }
  return nullptr;
}

int run(const std::vector<std::string>& arguments) {
  crypto::initialise();
  asio::io_context loop(1);
  Mitm mitm(loop);
  auto attack = arguments.size() < 2
                    ? nullptr
                    : make_attack({arguments.begin() + 1, arguments.end()},
                                  [&mitm](Side to, ByteView frame) { mitm.send(to, frame); });
  if (!attack) {
    std::fputs("usage: mitm PORT MODE [ARGUMENTS]; see tests/mitm.cc\n", stderr);
    return 2;
  }
  mitm.run(std::move(attack), static_cast<std::uint16_t>(std::stoul(arguments[0])));
  loop.run();
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace sts

int main(int argc, char** argv) { return sts::run({argv + 1, argv + argc}); }
