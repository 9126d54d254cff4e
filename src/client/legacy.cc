#include "client/conversation.h"

#ifdef STS_LEGACY
#include <fmt/format.h>

#include "legacy/session.h"
#include "protocol/token_bucket.h"
#endif

namespace sts::client {

#ifdef STS_LEGACY
namespace {

class Legacy final : public Conversation {
 public:
  Legacy(const Config& config, Random& random, Port& port)
      : port_(port),
        master_(config.mode == Mode::initiator),
        aes_(config.aes),
        session_({master_ ? legacy::Role::master : legacy::Role::slave,
                  config.aes == Aes::ecb ? legacy::Aes::ecb : legacy::Aes::cbc,
                  config.curve == Curve::x25519 ? legacy::Curve::x25519 : legacy::Curve::secp256k1},
                 random) {
    port_.log(Level::warning,
              "STS 1 is insecure: nobody is authenticated, nothing is checked, and the broker can "
              "read and change everything; leave aes out to use STS 2");
  }

  // As the reference speaks it.
  mqtt::Version version() const override { return mqtt::Version::v3_1_1; }
  mqtt::Qos qos() const override { return mqtt::Qos::at_most_once; }

  void online(std::size_t, Instant now) override {
    online_ = true;
    if (session_.up()) return;
    carry_out(session_.start(now), now);
    port_.log(Level::info, "waiting for the peer");
  }
  void offline(Instant) override { online_ = false; }
  void receive(ByteView payload, Instant now) override {
    carry_out(session_.receive(payload, now), now);
  }
  void published(mqtt::PublishId, const Result<void>&, Instant) override {}

  Result<void> send(std::string_view text, bool encrypted, Instant now) override {
    if (!encrypted) {
      return fail(Errc::refused, "this session is encrypted", "use sendenc");
    }
    if (!online_) {
      return fail(Errc::refused, "the broker is gone and STS 1 can't keep a message for later",
                  "wait for the connection, then send it again");
    }
    auto effects = session_.send(text);
    // Not Errc::limit, which says that there will be room.
    if (!effects) return fail(Errc::refused, effects.error().message, effects.error().hint);
    show_sent_ = true;
    carry_out(std::move(*effects), now);
    show_sent_ = false;
    return {};
  }

  void stop(Instant now) override {
    if (online_) carry_out(session_.kill(), now);
    port_.ended({});
  }

  std::size_t unacknowledged() const override { return 0; }
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
    const auto published = port_.publish(it.payload, qos());
    if (!published) return port_.log(Level::error, published.error().message);
    if (show_sent_) port_.sent(it.payload);
  }
  void on(const legacy::Deliver& it, Instant) { port_.received({}, it.text); }
  void on(const legacy::Killed&, Instant) {
    port_.log(Level::info, std::string("Received KILL from ") + (master_ ? "slave" : "master"));
  }
  void on(const legacy::StateChanged& it, Instant) {
    port_.up(it.state == legacy::State::up);
    if (it.state == legacy::State::up) {
      port_.log(Level::info, "session is up with a peer that nothing authenticates");
    }
    if (it.state == legacy::State::ended) port_.ended(it.failed);
  }
  void on(const legacy::Note& it, Instant now) {
    using enum legacy::Note::Level;
    // Anyone can cause them.
    if (!notes_.take(now)) {
      ++withheld_;
      return;
    }
    std::string text = it.text;
    if (withheld_ > 0) text += fmt::format(" ({} more lines were left out)", withheld_);
    withheld_ = 0;
    port_.log(it.level == info      ? Level::info
              : it.level == warning ? Level::warning
                                    : Level::error,
              text);
  }

  Port& port_;
  bool master_;
  Aes aes_;
  legacy::Session session_;
  protocol::TokenBucket notes_{10, std::chrono::seconds(10)};
  std::size_t withheld_ = 0;
  bool online_ = false, show_sent_ = false;
};

}  // namespace

Result<std::unique_ptr<Conversation>> make_legacy(const Config& config, Random& random,
                                                  Port& port) {
  return std::make_unique<Legacy>(config, random, port);
}

#else

Result<std::unique_ptr<Conversation>> make_legacy(const Config&, Random&, Port&) {
  return fail(Errc::refused, "this sts was built without STS 1",
              "leave aes out to use STS 2, or build with -DSTS_LEGACY=ON");
}

#endif

}  // namespace sts::client
