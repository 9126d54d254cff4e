// sts sub from the broker: on channels, or with --plain in the clear.
#include <asio/post.hpp>
#include <utility>

#include "cli/channel_report.h"
#include "cli/inbox_batch.h"
#include "cli/intake.h"
#include "cli/sub.h"
#include "client/channel_reader.h"
#include "client/channel_writer.h"
#include "client/presence.h"
#include "client/uplink.h"
#include "client/warnings.h"
#include "crypto/random.h"
#include "store/home.h"

namespace sts::cli {
namespace {

class BrokerSub final : public Job, private client::Uplink::Owner {
 public:
  BrokerSub(asio::io_context& loop, SubChoices choices)
      : Job(loop),
        choices_(std::move(choices)),
        uplink_(loop, client::boot_time, random_, *this, client::real_transport(loop)),
        give_up_(loop, client::boot_time, [this] {
          put(reader_->advance());
          if (intake_) intake_->came();
        }) {}

  Result<void> prepare() {
    auto sink = Sink::make(loop(), choices_.sink,
                           {[this](bool held) { hold(congested_, held); }, [this] { end(exit_ok); },
                            [this](const Error& why) { end(output_lost(why)); },
                            [this](std::uint64_t place) { intake_->taken(place); },
                            [this](const client::Received& received) { collect(received); },
                            [this](bool failing) { pause(failing); }});
    if (!sink) return tl::unexpected(sink.error());
    sink_ = std::move(*sink);
    return {};
  }

  /// What comes is opened.
  Result<void> use_channels(const store::Home& home) {
    client::ChannelReader::Options options;
    options.filters = choices_.topics;
    options.key_prefix = choices_.config.key_prefix;
    options.rights = choices_.config.rights;
    options.max_age = choices_.max_age;
    // As at the broker, what was seen belongs to the session of an id.
    const auto& broker = choices_.config.broker;
    if (!broker.clean_start) options.client_id = broker.client_id;
    if (!choices_.sink.store.empty()) {
      const auto sync = choices_.config.outbox.sync;
      options.inbox = {choices_.sink.store, sync == store::OutboxOptions::Sync::full};
    }
    auto reader = client::ChannelReader::open(home, std::move(options), client::boot_time,
                                              std::chrono::system_clock::now, random_);
    if (!reader) return tl::unexpected(reader.error());
    reader_.emplace(std::move(*reader));
    if (reader_->keeps()) keep();
    auto believed = reader_->check_senders().map_error([](Error why) {
      why.hint += ", or --plain for what is in the clear";
      return why;
    });
    if (!believed || !choices_.config.broker.will) return believed;
    return use_will(home);
  }

 private:
  /// What came is acknowledged when it is safe.
  void keep() {
    auto& broker = choices_.config.broker;
    broker.acknowledge_when_taken = true;
    // A command takes its time, and what has to be done again after a crash is as much as that.
    broker.receive_maximum = choices_.sink.exec.empty() ? Intake::batch : 1;
    if (client::qos_of(choices_.config) == mqtt::Qos::exactly_once) {
      // libmosquitto takes a QoS 2 message over before it tells of it (mqtt/options.h).
      choices_.config.qos = mqtt::Qos::at_least_once;
      choices_.config.warnings.emplace_back(
          "-q 2: with -c it is QoS 1, at which the broker keeps a message until it is shown");
    }
    intake_.emplace(
        loop(), random_,
        Intake::Owner{[this] { return save(); }, [this](bool held) { hold(closing_, held); },
                      [this] { uplink_.acknowledge(); }, [this](bool paused) { pause(paused); },
                      [this](const Error& why) { fail_with(why); },
                      [](const Error& why) { show(why); }});
  }
  Result<void> save() {
    auto saved = reader_->save(batch_.rows());
    if (!saved) return tl::unexpected(saved.error());
    if (batch_.full()) hold(congested_, false);
    batch_.clear();
    put(std::move(*saved));
    return {};
  }
  /// For the inbox.
  void collect(const client::Received& received) {
    batch_.add(received);
    if (batch_.full()) hold(congested_, true);
  }
  void pause(bool paused) {
    // Unwritten acknowledgements would hold back what keeps the connection alive, too.
    return paused ? uplink_.pause() : uplink_.resume();
  }
  void hold(bool& reason, bool held) {
    reason = held;
    uplink_.hold(congested_ || closing_);
  }

  /// As a sender that has nothing else to say.
  Result<void> use_will(const store::Home& home) {
    auto options = client::channel_options(choices_.config, true);
    options.will = std::exchange(choices_.config.broker.will, std::nullopt);
    auto writer = client::ChannelWriter::open(home, std::move(options), client::boot_time,
                                              std::chrono::system_clock::now, random_);
    if (!writer) return tl::unexpected(writer.error());
    writer_.emplace(std::move(*writer));
    if (!writer_->warning().empty()) show({client::Level::warning, writer_->warning()});
    presence_.emplace(loop(), client::boot_time, client::Presence::through(uplink_), *writer_,
                      Duration::zero(),
                      client::Presence::Owner{[this](const auto& messages) { publish(messages); },
                                              [this] { return unanswered_ == 0; }, [] {},
                                              [](const auto& line) { show(line); }});
    return {};
  }
  void publish(const std::vector<mqtt::Message>& messages) {
    for (const auto& message : messages) {
      if (auto published = uplink_.publish(message)) {
        ++unanswered_;
      } else {
        show(published.error());
      }
    }
  }

  void start() override {
    for (const auto& warning : choices_.config.warnings) show({client::Level::warning, warning});
    if (reader_) {
      for (const auto& warning : reader_->take_warnings()) show(warning);
    }
    std::vector<mqtt::Subscription> subscriptions;
    const auto qos = client::qos_of(choices_.config);
    if (reader_) {  // keys before what they open
      for (const auto& filter : reader_->key_filters()) {
        subscriptions.push_back({filter, mqtt::Qos::at_least_once});
      }
    }
    for (const auto& filter : choices_.topics) {
      subscriptions.push_back({filter, qos, false, choices_.retain_as_published,
                               choices_.sink.skip_stale ? mqtt::Subscription::Retained::dont_send
                                                        : mqtt::Subscription::Retained::send});
    }
    uplink_.open({choices_.config.broker, std::move(subscriptions), choices_.config.retry});
  }

  void interrupted() override {
    sink_->interrupt();
    end(exit_ok);
  }

  void on_connecting(mqtt::Options& options) override {
    if (presence_) presence_->on_connecting(options);
  }
  void on_online(const mqtt::Connected& broker) override {
    if (!broker.resumed) unanswered_ = 0;
    if (presence_) presence_->on_online();
    if (choices_.exit_after_suback) return end(exit_ok);
    if (choices_.timeout.count() > 0 && !std::exchange(timing_, true)) {
      alarm(choices_.timeout, [this] {
        show(Error{Errc::io, "timed out"});
        end(exit_timeout);
      });
    }
  }
  void on_subscribed(const std::string& filter, const Result<mqtt::Qos>& granted) override {
    if (presence_) presence_->on_subscribed(filter, granted);
  }
  void on_unsubscribed(const std::string& filter, const Result<void>&) override {
    if (presence_) presence_->on_unsubscribed(filter);
  }
  void on_offline() override {
    if (presence_) presence_->on_offline();
  }
  void on_no_connection(const Error& why, int connack) override {
    show(why);
    end(connack != 0 ? connack : exit_failed);
  }
  void on_message(mqtt::Message message) override {
    if (finished()) return;  // not shown, and so it isn't to count as seen
    if (presence_) presence_->on_message(message);
    if (reader_) put(reader_->on_message(message));
    if (intake_) intake_->came();
    if (reader_) return;
    client::Received received{std::move(message)};
    received.at = std::chrono::system_clock::now();
    sink_->take(received);
  }
  void put(client::ChannelReader::Output output) {
    auto place = intake_ ? intake_->hand_on(output.messages.size()) : 0;
    for (auto& received : output.messages) {
      if (intake_) received.place = place++;
      sink_->take(received);
    }
    for (const auto& line : output.lines) warnings_.show(line);
    if (output.more_keys) {
      for (const auto& filter : reader_->key_filters()) {
        uplink_.subscribe({filter, mqtt::Qos::at_least_once});
      }
    }
    give_up_.set(finished() ? never : reader_->next_deadline());
  }
  void on_published(mqtt::PublishId, const Result<void>& outcome) override {
    if (!outcome) show(outcome.error());
    --unanswered_;
    presence_->settle();
  }
  void log(const client::Line& line) override { show(line); }

  void fail_with(const Error& why) {
    show(why);
    end(exit_failed);
  }

  void end(int exit_code) {
    if (!finish(exit_code)) return;
    give_up_.set(never);
    if (!intake_) {
      sink_->finish([] {});
      return leave();
    }
    // Not from within what hands messages on.
    asio::post(loop(), [this] { sink_->finish([this] { leave(); }); });
  }

  /// All is written.
  void leave() {
    if (reader_) {
      for (const auto& line : reader_->finish().lines) warnings_.show(line);
    }
    if (intake_) intake_->finish();
    warnings_.end();
    if (presence_) end_presence();
    if (reader_ && choices_.report) show_report(reader_->report());
    // Not from within what the uplink or the sink are just telling.
    asio::post(loop(), [this] { uplink_.close(); });
  }

  /// Nothing waits for the will any more.
  void end_presence() {
    presence_->stop();
    if (auto last = writer_->finish(); last && uplink_.online()) publish(*last);
  }

  SubChoices choices_;
  crypto::SystemRandom random_;
  client::Uplink uplink_;
  std::optional<client::ChannelReader> reader_;  // none: in the clear
  std::optional<client::ChannelWriter> writer_;  // for a will alone
  std::optional<client::Presence> presence_;     // of the writer
  std::optional<Intake> intake_;                 // of a reader that is kept
  bool congested_ = false, closing_ = false;     // why nothing is read
  std::size_t unanswered_ = 0;
  std::unique_ptr<Sink> sink_;
  InboxBatch batch_;  // for the next transaction
  client::Timer give_up_;
  client::Warnings warnings_{client::boot_time, [](const client::Line& line) { show(line); }};
  bool timing_ = false;
};

}  // namespace

int run_plain_sub(asio::io_context& loop, SubChoices choices) {
  BrokerSub job(loop, std::move(choices));
  if (auto prepared = job.prepare(); !prepared) return report(prepared);
  return job.run();
}

int run_channel_sub(asio::io_context& loop, SubChoices choices) {
  auto home = store::Home::from_environment();
  if (!home) return report(tl::unexpected(home.error()));
  BrokerSub job(loop, std::move(choices));
  auto prepared = job.use_channels(*home);
  if (prepared) prepared = job.prepare();
  if (!prepared) return report(prepared);
  return job.run();
}

}  // namespace sts::cli
