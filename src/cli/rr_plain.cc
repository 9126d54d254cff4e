// sts rr --plain: a request whose answer the correlation data tells, in the clear.
#include <asio/post.hpp>
#include <utility>

#include "cli/rr.h"
#include "client/publish_queue.h"
#include "client/uplink.h"
#include "crypto/random.h"

namespace sts::cli {
namespace {

class PlainRr final : public Job,
                      private client::Uplink::Owner,
                      private client::PublishQueue::Owner {
 public:
  PlainRr(asio::io_context& loop, RrChoices choices)
      : Job(loop),
        choices_(std::move(choices)),
        uplink_(loop, client::boot_time, random_, *this, client::real_transport(loop)) {}

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
    for (const auto& warning : choices_.config.warnings) {
      show(client::Line{client::Level::warning, warning});
    }
    const auto& back = choices_.request.properties.response_topic;
    uplink_.open({choices_.config.broker, {{back, choices_.request.qos}}, choices_.config.retry});
  }
  void interrupted() override { end(exit_failed); }

  // client::Uplink::Owner
  void on_online(const mqtt::Connected& broker) override {
    if (broker.version != mqtt::Version::v5) {
      return fail({Errc::refused, "this broker speaks MQTT 3.1.1: request and response need MQTT 5",
                   "use sts pub and sts sub"});
    }
    queue_.online(broker.resumed);
    if (std::exchange(asked_, true)) return;
    if (auto pushed = queue_.push(choices_.request); !pushed) return fail(pushed.error());
    alarm(choices_.timeout, [this] {
      show(Error{Errc::io, "no answer in time", "-W says how long to wait"});
      end(exit_timeout);
    });
  }
  void on_offline() override { queue_.offline(); }
  void on_no_connection(const Error& why, int connack) override {
    show(why);
    end(connack != 0 ? connack : exit_failed);
  }
  void on_message(mqtt::Message message) override {
    const auto& mine = choices_.request.properties.correlation_data;
    if (message.retain || message.properties.correlation_data != mine) return;
    client::Received received{std::move(message)};
    received.at = std::chrono::system_clock::now();
    sink_->take(received);
  }
  void on_published(mqtt::PublishId id, const Result<void>& outcome) override {
    queue_.published(id, outcome);
  }
  void log(const client::Line& line) override { show(line); }

  // client::PublishQueue::Owner
  Result<mqtt::PublishId> publish(const mqtt::Message& message) override {
    return uplink_.publish(message);
  }
  void on_given_up(const Error& why) override { fail(why); }

  void fail(const Error& why) {
    show(why);
    end(exit_failed);
  }

  void end(int exit_code) {
    if (!finish(exit_code)) return;
    sink_->finish([] {});
    // Not from within what the uplink or the sink are just telling.
    asio::post(loop(), [this] { uplink_.close(); });
  }

  RrChoices choices_;
  crypto::SystemRandom random_;
  client::Uplink uplink_;
  client::PublishQueue queue_{*this};
  std::unique_ptr<Sink> sink_;
  bool asked_ = false;
};

}  // namespace

int run_plain_rr(asio::io_context& loop, RrChoices choices) {
  PlainRr job(loop, std::move(choices));
  if (auto prepared = job.prepare(); !prepared) return report(prepared);
  return job.run();
}

}  // namespace sts::cli
