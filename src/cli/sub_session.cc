// sts sub --peer: what peers send in sessions, of which this side is the responder.
#include <utility>

#include "cli/inbox_batch.h"
#include "cli/intake.h"
#include "cli/sub.h"
#include "client/client.h"
#include "crypto/random.h"
#include "store/home.h"

namespace sts::cli {
namespace {

class SessionSub final : public Job, private client::Observer {
 public:
  SessionSub(asio::io_context& loop, const store::Home& home, SubChoices choices)
      : Job(loop), choices_(std::move(choices)), client_(loop, home, random_, *this) {
    client_.take_late();
  }

  Result<void> prepare() {
    auto sink = Sink::make(loop(), choices_.sink,
                           {[this](bool held) { hold(congested_, held); }, [this] { end(exit_ok); },
                            [this](const Error& why) { end(output_lost(why)); },
                            [this](std::uint64_t place) {
                              place_ = place;
                              if (!intake_) client_.taken(place);
                            },
                            [this](const client::Received& received) {
                              batch_.add(received);
                              if (batch_.full()) hold(congested_, true);
                            }});
    if (!sink) return tl::unexpected(sink.error());
    sink_ = std::move(*sink);
    if (!choices_.sink.store.empty()) use_store();
    return {};
  }

 private:
  void use_store() {
    const auto sync = choices_.config.outbox.sync;
    choices_.config.inbox = {choices_.sink.store, sync == store::OutboxOptions::Sync::full};
    intake_.emplace(loop(), random_,
                    Intake::Owner{[this] { return save(); }, [](bool) {}, [] {},
                                  [this](bool paused) { hold(paused_, paused); },
                                  [this](const Error& why) {
                                    show(why);
                                    end(exit_failed);
                                  },
                                  [](const Error& why) { show(why); }});
  }
  Result<void> save() {
    if (auto done = client_.take(place_, batch_.rows()); !done) return done;
    batch_.clear();
    hold(congested_, false);
    return {};
  }
  void hold(bool& reason, bool held) {
    reason = held;
    client_.hold(congested_ || paused_);
  }

  void start() override {
    if (auto started = client_.start(std::move(choices_.config), std::nullopt); !started) {
      return end(report(started));
    }
    if (choices_.timeout.count() == 0) return;
    alarm(choices_.timeout, [this] {
      show(Error{Errc::io, "timed out"});
      end(exit_timeout);
    });
  }

  void interrupted() override {
    sink_->interrupt();
    end(exit_ok);
  }

  void on_log(const client::Line& line) override { show(line); }
  void on_message(const client::Received& received) override {
    sink_->take(received);
    if (intake_) intake_->came();
  }
  void on_sent(ByteView) override {}
  void on_room() override {}
  void on_state(client::State state, const std::optional<Error>& failed) override {
    if (state == client::State::stopped && !finished()) end(failed ? exit_failed : exit_ok);
  }

  void end(int exit_code) {
    if (!finish(exit_code)) return;
    if (intake_) intake_->finish();
    if (choices_.sink.exec.empty()) {
      sink_->finish([] {});
      return client_.stop(false);
    }
    sink_->finish([this] { client_.stop(false); });  // the command that still runs counts
  }

  SubChoices choices_;
  crypto::SystemRandom random_;
  client::Client client_;
  std::unique_ptr<Sink> sink_;
  std::optional<Intake> intake_;             // into the inbox
  InboxBatch batch_;                         // for the next transaction
  std::uint64_t place_ = 0;                  // of the last durable one in it
  bool congested_ = false, paused_ = false;  // why nothing is read
};

}  // namespace

int run_session_sub(asio::io_context& loop, SubChoices choices) {
  auto home = store::Home::from_environment();
  if (!home) return report(tl::unexpected(home.error()));
  SessionSub job(loop, *home, std::move(choices));
  if (auto prepared = job.prepare(); !prepared) return report(prepared);
  return job.run();
}

}  // namespace sts::cli
