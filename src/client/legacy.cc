// STS 1 as a conversation; no_legacy.cc stands in its place where the build has none.
#include <fmt/format.h>

#include "base/counted.h"
#include "client/conversation.h"
#include "legacy/session.h"
#include "protocol/token_bucket.h"

namespace sts::client {
namespace {

class Legacy final : public Conversation {
 public:
  Legacy(const Config& config, Random& random, Port& port)
      : port_(port),
        pubtop_(config.pubtop),
        subtop_(config.subtop),
        master_(config.mode == Mode::initiator),
        aes_(config.aes),
        no_session_hint_(fmt::format("check that the peer runs on this broker with sts_mode = {}, "
                                     "aes = {}, subtop = {} and pubtop = {}",
                                     master_ ? "slave" : "master", aes_ == Aes::ecb ? "ecb" : "cbc",
                                     config.pubtop, config.subtop)),
        session_({master_ ? legacy::Role::master : legacy::Role::slave,
                  config.aes == Aes::ecb ? legacy::Aes::ecb : legacy::Aes::cbc,
                  config.curve == Curve::x25519 ? legacy::Curve::x25519 : legacy::Curve::secp256k1},
                 random) {
    port_.log({Level::warning,
               "STS 1 is insecure: nobody is authenticated, nothing is checked, and the broker can "
               "read and change everything",
               "leave aes out to use STS 2"});
  }

  // As the reference speaks it.
  mqtt::Version version() const override { return mqtt::Version::v3_1_1; }
  mqtt::Qos qos() const override { return mqtt::Qos::at_most_once; }

  void online(std::size_t, bool, Instant now) override {
    online_ = true;
    if (session_.up()) return;
    carry_out(session_.start(now), now);
    port_.log({Level::info, "waiting for the peer"});
  }
  void offline(Instant) override { online_ = false; }
  void receive(mqtt::Message message, Instant now) override {
    carry_out(session_.receive(message.payload, now), now);
  }
  void published(mqtt::PublishId, const Result<void>&, Instant) override {}

  Result<void> send(std::string_view text, bool encrypted, Instant) override {
    if (!encrypted) {
      return fail(Errc::refused, "this session is encrypted", "use sendenc");
    }
    if (!online_) {
      return fail(Errc::refused, "the broker is gone and STS 1 can't keep a message for later",
                  "wait for the connection, then send it again");
    }
    const auto payload = session_.send(text);
    // Not Errc::limit, which says that there will be room.
    if (!payload) return fail(Errc::refused, payload.error().message, payload.error().hint);
    const auto published = port_.publish({pubtop_, *payload, qos()});
    if (!published) return tl::unexpected<Error>(published.error());
    port_.sent(*payload);
    return {};
  }

  void stop(Instant now) override {
    if (online_) carry_out(session_.kill(), now);
    port_.ended({});
  }

  std::size_t unacknowledged() const override { return 0; }
  std::string no_session_hint() const override { return no_session_hint_; }
  Instant next_deadline() const override { return online_ ? session_.next_deadline() : never; }
  void advance(Instant now) override { carry_out(session_.advance(now), now); }

  void describe(Status& status, Instant) const override {
    status.protocol = "STS 1 (insecure)";
    status.cipher = "none";
    if (session_.up()) {
      status.cipher = std::string(aes_ == Aes::ecb ? "AES-256-ECB" : "AES-256-CBC") + ", " +
                      std::string(legacy::name(*session_.curve())) + ", not authenticated";
    }
  }

 private:
  void carry_out(legacy::Effects effects, Instant now) {
    for (auto& effect : effects) {
      std::visit([&](auto& it) { on(it, now); }, effect);
    }
  }
  void on(const legacy::Publish& it, Instant) {
    const auto published = port_.publish({pubtop_, it.payload, qos()});
    if (!published) port_.log(error_line(published.error()));
  }
  void on(const legacy::Deliver& it, Instant) { port_.received({{subtop_, it.text, qos()}, true}); }
  void on(const legacy::Killed&, Instant) {
    port_.log({Level::info, std::string("Received KILL from ") + (master_ ? "slave" : "master")});
  }
  void on(const legacy::StateChanged& it, Instant) {
    port_.up(it.state == legacy::State::up);
    if (it.state == legacy::State::up) {
      port_.log({Level::info, "session is up with a peer that nothing authenticates"});
    }
    if (it.state == legacy::State::ended) port_.ended(it.failed);
  }
  void on(const legacy::Note& it, Instant now) {
    using enum legacy::Note::Level;
    if (it.level == error) no_session_hint_ = it.hint;
    // Anyone can cause them.
    if (!notes_.take(now)) {
      ++withheld_;
      return;
    }
    std::string text = it.text;
    if (withheld_ > 0) {
      text += fmt::format(" ({} left out)", counted(withheld_, "more line was", "more lines were"));
    }
    withheld_ = 0;
    const Level level = it.level == info      ? Level::info
                        : it.level == warning ? Level::warning
                                              : Level::error;
    port_.log({level, std::move(text), it.hint});
  }

  Port& port_;
  std::string pubtop_, subtop_;
  bool master_;
  Aes aes_;
  std::string no_session_hint_;  // the last error's, else what is wrong mostly
  legacy::Session session_;
  protocol::TokenBucket notes_{10, std::chrono::seconds(10)};
  std::size_t withheld_ = 0;
  bool online_ = false;
};

}  // namespace

Result<std::unique_ptr<Conversation>> make_legacy(const Config& config, Random& random,
                                                  Port& port) {
  if (config.broker.will) {
    return fail(Errc::refused, "STS 1 can't seal a will: the broker would send it in the clear",
                "leave the will out, or aes for STS 2");
  }
  return std::make_unique<Legacy>(config, random, port);
}

}  // namespace sts::client
