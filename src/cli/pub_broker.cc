// sts pub to the broker: on a channel, or with --plain in the clear.
#include <fmt/format.h>

#include <asio/post.hpp>
#include <utility>

#include "cli/feed.h"
#include "cli/pub.h"
#include "client/channel_writer.h"
#include "client/presence.h"
#include "client/publish_queue.h"
#include "client/uplink.h"
#include "crypto/random.h"
#include "store/home.h"

namespace sts::cli {
namespace {

class BrokerPub final : public Job,
                        private client::Uplink::Owner,
                        private client::PublishQueue::Owner {
 public:
  BrokerPub(asio::io_context& loop, PubChoices choices)
      : Job(loop),
        choices_(std::move(choices)),
        uplink_(loop, client::boot_time, random_, *this, client::real_transport(loop)),
        feed_(loop, choices_,
              {[this] { return !queue_.full() && !finished() && may_seal(); },
               [this](Bytes payload) { take(std::move(payload)); },
               [this] {
                 fed_ = true;
                 end_if_done();
               }}) {}

  /// What is published goes through a channel.
  Result<void> use_channel(const store::Home& home) {
    auto options = client::channel_options(choices_.config, choices_.lines || choices_.repeat > 1);
    options.will = std::exchange(choices_.config.broker.will, std::nullopt);
    options.own_stream = options.own_stream || options.will;
    auto writer = client::ChannelWriter::open(home, std::move(options), client::boot_time,
                                              std::chrono::system_clock::now, random_);
    if (!writer) return tl::unexpected(writer.error());
    writer_.emplace(std::move(*writer));
    if (!writer_->warning().empty()) show({client::Level::warning, writer_->warning()});
    presence_.emplace(
        loop(), client::boot_time, client::Presence::through(uplink_), *writer_, choices_.heartbeat,
        client::Presence::Owner{[this](auto messages) { push_all(std::move(messages)); },
                                [this] { return queue_.size() == 0; }, [this] { feed_.more(); },
                                [](const auto& line) { show(line); }});
    const auto& message = choices_.message;
    return writer_->check_readers(message.topic).map_error([&](Error why) {
      why.hint += "; ";
      why.hint += message.retain && message.payload.empty() && !choices_.lines
                      ? "--plain takes a retained message away without them"
                      : "--plain sends it in the clear";
      return why;
    });
  }

 private:
  void start() override {
    for (const auto& warning : choices_.config.warnings) show({client::Level::warning, warning});
    uplink_.open({choices_.config.broker, {}, choices_.config.retry});
  }
  /// The first time there is time to tell how its own streams ended.
  void interrupted() override {
    if (!writer_ || !uplink_.online() || std::exchange(interrupted_, true)) return end(exit_failed);
    feed_.stop();
    fed_ = true;
    end_if_done();
  }

  void take(Bytes payload) {
    mqtt::Message message = choices_.message;
    message.payload = std::move(payload);
    if (!writer_) return push(std::move(message));
    push_all(writer_->seal(message));
    presence_->check();
  }
  bool may_seal() const { return !presence_ || presence_->may_seal(); }

  void push(mqtt::Message message) {
    if (auto pushed = queue_.push(std::move(message)); !pushed) on_given_up(pushed.error());
  }

  void push_all(Result<std::vector<mqtt::Message>> messages) {
    if (!messages) {  // nor would the next one be sealed
      show(messages.error());
      return end(exit_failed);
    }
    for (auto& message : *messages) push(std::move(message));
  }

  // client::Uplink::Owner
  void on_connecting(mqtt::Options& options) override {
    if (presence_) presence_->on_connecting(options);
  }
  void on_online(const mqtt::Connected& broker) override {
    if (queue_.size() == 0) broker_is_fine();
    queue_.online(broker.resumed);
    if (presence_) return presence_->on_online();
    feed_.more();
  }
  void on_subscribed(const std::string& filter, const Result<mqtt::Qos>& granted) override {
    presence_->on_subscribed(filter, granted);
  }
  void on_unsubscribed(const std::string& filter, const Result<void>&) override {
    presence_->on_unsubscribed(filter);
  }
  void on_offline() override {
    queue_.offline();
    if (presence_) presence_->on_offline();
    if (std::exchange(waiting_, true)) return;
    const auto patience = choices_.config.timeout.value_or(std::chrono::seconds(30));
    alarm(patience, [this] {
      show(Error{Errc::io, "the broker didn't come back and acknowledge in time",
                 "--timeout says how long to wait"});
      end(exit_failed);
    });
  }
  void on_no_connection(const Error& why, int connack) override {
    show(why);
    end(connack != 0 ? connack : exit_failed);
  }
  void on_message(mqtt::Message message) override {
    if (presence_) presence_->on_message(message);
  }
  void on_published(mqtt::PublishId id, const Result<void>& outcome) override {
    if (outcome) broker_is_fine();
    queue_.published(id, outcome);
    if (presence_) presence_->settle();
    feed_.more();
    end_if_done();
  }
  void log(const client::Line& line) override { show(line); }

  // client::PublishQueue::Owner
  Result<mqtt::PublishId> publish(const mqtt::Message& message) override {
    return uplink_.publish(message);
  }
  void on_given_up(const Error& why) override {
    ++lost_;
    show(why);
  }

  /// A connection alone is no sign: some brokers hang up on what they are then sent.
  void broker_is_fine() {
    waiting_ = false;
    alarm_off();
  }

  void end_if_done() {
    if (!fed_ || queue_.size() != 0 || finished()) return;
    if (writer_ && lost_ == 0) {
      push_all(writer_->finish());
      if (queue_.size() != 0 || finished()) return;  // again when that is taken
      if (auto confirmed = writer_->confirm(); !confirmed) on_given_up(confirmed.error());
    }
    end(lost_ == 0 && !interrupted_ ? exit_ok : exit_failed);
  }

  void end(int exit_code) {
    if (finished()) return;
    if (const auto open = queue_.size() + lost_; open > 0) {
      show(Error{Errc::io, fmt::format("{} of the messages {} not acknowledged by the broker", open,
                                       open == 1 ? "was" : "were")});
    }
    finish(exit_code);
    feed_.stop();
    if (presence_) presence_->stop();
    // Not from within what the uplink is just telling.
    asio::post(loop(), [this] { uplink_.close(); });
  }

  PubChoices choices_;
  crypto::SystemRandom random_;
  std::optional<client::ChannelWriter> writer_;  // none: in the clear
  client::Uplink uplink_;
  std::optional<client::Presence> presence_;  // where there is a writer
  client::PublishQueue queue_{*this};
  Feed feed_;
  bool fed_ = false, waiting_ = false, interrupted_ = false;
  std::uint64_t lost_ = 0;
};

}  // namespace

int run_plain_pub(asio::io_context& loop, PubChoices choices) {
  return BrokerPub(loop, std::move(choices)).run();
}

int run_channel_pub(asio::io_context& loop, PubChoices choices) {
  auto home = store::Home::from_environment();
  if (!home) return report(tl::unexpected(home.error()));
  BrokerPub job(loop, std::move(choices));
  if (auto prepared = job.use_channel(*home); !prepared) return report(prepared);
  return job.run();
}

}  // namespace sts::cli
