// sts pub --peer: to one peer, in a session of which this side is the initiator.

#include <utility>

#include "cli/feed.h"
#include "cli/pub.h"
#include "client/client.h"
#include "crypto/random.h"
#include "store/home.h"

namespace sts::cli {
namespace {

constexpr Duration patience = std::chrono::seconds(30);

class SessionPub final : public Job, private client::Observer {
 public:
  SessionPub(asio::io_context& loop, const store::Home& home, PubChoices choices)
      : Job(loop),
        choices_(std::move(choices)),
        durable_(choices_.config.durable),
        client_(loop, home, random_, *this),
        feed_(loop, choices_,
              {[this] { return client_.ready() && room_ && !fed_ && !finished(); },
               [this](Bytes payload) { take(std::move(payload)); },
               [this] {
                 fed_ = true;
                 stop_if_done();
               }}),
        fed_(choices_.flush) {}

 private:
  void start() override {
    if (auto started = client_.start(std::move(choices_.config), patience); !started) {
      finish(report(started));
      return;
    }
    if (fed_) return stop_if_done();
    feed_.more();
  }
  /// Waits for the peer's acknowledgements, but not for ever.
  void stop_if_done() {
    if (!durable_ || client_.status().outbox == 0U) client_.stop(false);
  }
  void interrupted() override {
    interrupted_ = true;
    client_.stop(true);
  }

  void take(Bytes payload) {
    auto sent = client_.send_encrypted(as_text(payload));
    if (sent) return;
    if (sent.error().code == Errc::limit) {
      room_ = false;
      kept_ = std::move(payload);
      return;
    }
    failed_ = true;
    show(sent.error());
  }

  void on_log(const client::Line& line) override { show(line); }
  void on_message(const client::Received&) override {}
  void on_sent(ByteView) override {}
  void on_drained() override {
    if (fed_) client_.stop(false);
  }
  void on_room() override {
    room_ = true;
    if (auto kept = std::exchange(kept_, std::nullopt)) take(std::move(*kept));
    if (room_) feed_.more();
  }
  void on_state(client::State state, const std::optional<Error>& failed) override {
    if (state == client::State::up) feed_.more();
    if (state != client::State::stopped) return;
    if (!failed && !fed_ && !interrupted_) {
      show(Error{Errc::io, "the peer ended the session before all was sent"});
    }
    finish(failed || failed_ || !fed_ ? exit_failed : exit_ok);
  }

  PubChoices choices_;
  bool durable_;
  crypto::SystemRandom random_;
  client::Client client_;
  Feed feed_;
  std::optional<Bytes> kept_;  // a payload for which there was no room
  bool fed_;                   // nothing more is sent
  bool room_ = true, failed_ = false, interrupted_ = false;
};

}  // namespace

int run_session_pub(asio::io_context& loop, PubChoices choices) {
  auto home = store::Home::from_environment();
  if (!home) return report(tl::unexpected(home.error()));
  return SessionPub(loop, *home, std::move(choices)).run();
}

}  // namespace sts::cli
