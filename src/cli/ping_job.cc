// sts ping: connects, and times what comes back.
#include <asio/post.hpp>
#include <cstdio>
#include <utility>

#include "cli/ping.h"
#include "client/uplink.h"
#include "crypto/random.h"
#include "mqtt/errors.h"

namespace sts::cli {
namespace {

using Clock = std::chrono::steady_clock;

class Ping final : public Job, private client::Uplink::Owner {
 public:
  Ping(asio::io_context& loop, PingChoices choices)
      : Job(loop),
        choices_(std::move(choices)),
        uplink_(loop, client::boot_time, random_, *this, client::real_transport(loop)) {}

 private:
  void start() override {
    for (const auto& warning : choices_.config.warnings) {
      show(client::Line{client::Level::warning, warning});
    }
    findings_.broker = mqtt::where(choices_.config.broker);
    findings_.client_id = choices_.config.broker.client_id;
    began_ = Clock::now();
    uplink_.open({choices_.config.broker, {}, choices_.config.retry});
  }
  void interrupted() override { end(); }

  void on_online(const mqtt::Connected& broker) override {
    findings_.connecting = Clock::now() - began_;
    findings_.connected = broker;
    alarm(choices_.timeout, [this] { end(); });
    uplink_.subscribe({choices_.topic});
  }
  void on_offline() override {
    show(Error{Errc::io, "the connection was lost"});
    end();
  }
  void on_no_connection(const Error& why, int connack) override {
    show(why);
    finish(connack != 0 ? connack : exit_failed);
  }
  void on_subscribed(const std::string&, const Result<mqtt::Qos>& granted) override {
    if (findings_.with_publish && !granted) {
      without_publish(granted.error().message);
    } else if (findings_.with_publish) {
      next();
    } else {
      arrived();
    }
  }
  void on_message(mqtt::Message message) override {
    if (message.payload == payload_) arrived();
  }
  void on_published(mqtt::PublishId, const Result<void>&) override {}
  void log(const client::Line& line) override { show(line); }

  void next() {
    if (finished()) return;
    if (findings_.round_trips.size() + findings_.lost == choices_.count) return end();
    alarm(choices_.timeout, [this] { missed(); });
    payload_ = Bytes(16);
    random_.fill(payload_);
    began_ = Clock::now();
    if (!findings_.with_publish) return uplink_.subscribe({choices_.topic});
    if (auto sent = uplink_.publish({choices_.topic, payload_}); !sent) {
      without_publish(sent.error().message);
    }
  }

  void arrived() {
    payload_.clear();
    findings_.round_trips.push_back(Clock::now() - began_);
    next();
  }

  /// A broker doesn't say no to QoS 0: what it does not allow just never comes back.
  void missed() {
    if (findings_.with_publish && findings_.round_trips.empty()) {
      return without_publish("what is published doesn't come back");
    }
    ++findings_.lost;
    next();
  }

  void without_publish(const std::string& why) {
    findings_.with_publish = false;
    findings_.why_not_publish = why;
    next();
  }

  void end() {
    if (finished()) return;
    if (findings_.connecting == Duration::zero()) {
      finish(exit_failed);
    } else {
      const auto text = choices_.json ? ping_json(findings_) : ping_text(findings_);
      std::fputs(text.c_str(), stdout);
      const int written = report({});
      if (findings_.round_trips.empty()) show(Error{Errc::io, "no round trip in time"});
      finish(findings_.round_trips.empty() ? exit_timeout : written);
    }
    // Not from within what the uplink is just telling.
    asio::post(loop(), [this] { uplink_.close(); });
  }

  PingChoices choices_;
  PingFindings findings_;
  crypto::SystemRandom random_;
  client::Uplink uplink_;
  Clock::time_point began_;
  Bytes payload_;  // of the one that is under way
};

}  // namespace

int run_ping(asio::io_context& loop, PingChoices choices) {
  return Ping(loop, std::move(choices)).run();
}

}  // namespace sts::cli
