// sts rr --peer: in a session of which this side is the initiator. It needs no correlation data:
// nobody but the peer can answer, and this session has asked but once.
#include <utility>

#include "cli/rr.h"
#include "client/client.h"
#include "crypto/random.h"
#include "store/home.h"

namespace sts::cli {
namespace {

class SessionRr final : public Job, private client::Observer {
 public:
  SessionRr(asio::io_context& loop, const store::Home& home, RrChoices choices)
      : Job(loop), choices_(std::move(choices)), client_(loop, home, random_, *this) {}

  Result<void> prepare() {
    auto sink = Sink::make(loop(), choices_.sink,
                           {[](bool) {}, [this] { end(exit_ok); },
                            [this](const Error& why) { end(output_lost(why)); }});
    if (!sink) return tl::unexpected(sink.error());
    sink_ = std::move(*sink);
    return {};
  }

 private:
  void start() override {
    if (auto started = client_.start(std::move(choices_.config), choices_.timeout); !started) {
      end(report(started));
    }
  }
  void interrupted() override { end(exit_failed); }

  void ask() {
    if (std::exchange(asked_, true)) return;
    if (auto sent = client_.send_encrypted(as_text(choices_.request.payload)); !sent) {
      return fail(sent.error());
    }
    alarm(choices_.timeout, [this] {
      show(Error{Errc::io, "no answer in time", "-W says how long to wait"});
      end(exit_timeout);
    });
  }

  void on_log(const client::Line& line) override { show(line); }
  void on_message(const client::Received& received) override { sink_->take(received); }
  void on_sent(ByteView) override {}
  void on_room() override {}
  void on_state(client::State state, const std::optional<Error>& failed) override {
    if (state == client::State::up) ask();
    if (state != client::State::stopped || finished()) return;
    if (!failed) show(Error{Errc::io, "the peer ended the session without an answer"});
    end(failed && failed->code == Errc::limit ? exit_timeout : exit_failed);
  }

  void fail(const Error& why) {
    show(why);
    end(exit_failed);
  }

  void end(int exit_code) {
    if (!finish(exit_code)) return;
    sink_->finish([] {});
    client_.stop(false);
  }

  RrChoices choices_;
  crypto::SystemRandom random_;
  client::Client client_;
  std::unique_ptr<Sink> sink_;
  bool asked_ = false;
};

}  // namespace

int run_session_rr(asio::io_context& loop, RrChoices choices) {
  auto home = store::Home::from_environment();
  if (!home) return report(tl::unexpected(home.error()));
  SessionRr job(loop, *home, std::move(choices));
  if (auto prepared = job.prepare(); !prepared) return report(prepared);
  return job.run();
}

}  // namespace sts::cli
