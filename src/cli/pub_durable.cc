// sts pub --durable: first into the outbox, then to the broker, by whichever process delivers.
#include <fmt/format.h>

#include <asio/post.hpp>
#include <utility>

#include "base/counted.h"
#include "cli/feed.h"
#include "cli/pub.h"
#include "client/acceptance.h"
#include "client/channel_writer.h"
#include "client/outbox.h"
#include "client/outbox_delivery.h"
#include "client/outbox_lock.h"
#include "client/outbox_message.h"
#include "client/presence.h"
#include "client/trusted.h"
#include "client/uplink.h"
#include "crypto/random.h"
#include "store/file.h"
#include "store/home.h"

namespace sts::cli {
namespace {

/// From so many on a key of this process alone is cheaper than a transaction for each message.
constexpr std::uint64_t backlog = 16;

void show_line(const client::Line& line) { show(line); }

class DurablePub final : public Job, private client::Uplink::Owner {
 public:
  DurablePub(asio::io_context& loop, PubChoices choices)
      : Job(loop),
        choices_(std::move(choices)),
        uplink_(loop, client::boot_time, random_, *this, client::real_transport(loop)),
        feed_(loop, choices_,
              {[this] { return !accepting_->full() && !finished(); },
               [this](Bytes payload) { take(std::move(payload)); },
               [this] {
                 fed_ = true;
                 end_if_done();
               }}),
        flush_(choices_.flush),
        fed_(choices_.flush) {}

  Result<void> prepare(const store::Home& home) {
    auto outbox = client::open_outbox(home, choices_.config.outbox, random_, show_line);
    if (!outbox) return tl::unexpected(outbox.error());
    outbox_.emplace(std::move(*outbox));
    accepting_.emplace(loop(), *outbox_, [this] { accept(); });
    const bool to_peer = choices_.config.mode == client::Mode::initiator;
    destination_ = choices_.message.topic;
    if (to_peer) {
      auto destination = peers_destination(home);
      if (!destination) return tl::unexpected(destination.error());
      destination_ = std::move(*destination);
    }
    auto lock = client::OutboxLock::open(
        loop(), to_peer ? client::session_lock_file(home, destination_) : home.outbox_lock_file(),
        {[this] { deliver(); }, [this] { on_news(); }});
    if (!lock) return tl::unexpected(lock.error());
    lock_ = std::move(*lock);
    auto stats = outbox_->stats();
    if (!stats) return tl::unexpected(stats.error());
    first_ = flush_ ? 0 : stats->last + 1;
    last_ = stats->last;
    if (to_peer) return {};  // only into the outbox
    auto options = client::channel_options(
        choices_.config, choices_.lines || choices_.repeat > 1 || stats->messages > backlog);
    auto writer = client::ChannelWriter::open(home, std::move(options), client::boot_time,
                                              std::chrono::system_clock::now, random_);
    if (!writer) return tl::unexpected(writer.error());
    writer_.emplace(std::move(*writer));
    presence_.emplace(loop(), client::boot_time, client::Presence::through(uplink_), *writer_,
                      std::chrono::seconds(0),
                      client::Presence::Owner{
                          [this](auto messages) { check(delivery_->tell(std::move(messages))); },
                          [this] { return delivery_->at_rest(); },
                          [this] { check(delivery_->more()); }, show_line});
    return flush_ ? Result<void>() : writer_->check_readers(choices_.message.topic);
  }

 private:
  void start() override {
    for (const auto& warning : choices_.config.warnings) show({client::Level::warning, warning});
    if (flush_) end_if_done();  // there may be nothing to do
    if (finished()) return;
    if (!choices_.enqueue_only) lock_->want();
    if (!flush_) feed_.more();
  }
  /// The first time there is time for what the broker was sent, and to tell how that ended.
  void interrupted() override {
    feed_.stop();
    fed_ = true;
    accept();
    if (std::exchange(interrupted_, true) || !delivery_ || !uplink_.online()) {
      return end(exit_failed);
    }
    delivery_->stop();
    end_if_done();
  }

  Result<std::string> peers_destination(const store::Home& home) {
    auto trusted = client::Trusted::load(choices_.config, home);
    if (!trusted) return tl::unexpected(trusted.error());
    const auto trust = trusted->take();
    if (trust.peers.size() != 1) {
      return fail(Errc::bad_input, "the peer's key isn't known yet", "sts peer add NAME KEY");
    }
    peer_ = trusted->name(trust.peers[0].key);
    return client::session_destination(trust.peers[0].key, choices_.config.pubtop);
  }

  void take(Bytes payload) {
    if (client::is_for_session(destination_)) {
      return accepting_->put(
          {destination_, client::encode_for_session(as_text(payload)), {}, true});
    }
    auto message = choices_.message;
    if (message.retain && payload.empty()) {
      return stop({Errc::bad_input, "taking away what is retained can't be durable",
                   "leave --durable out for that"});
    }
    message.payload = std::move(payload);
    auto audience = writer_->audience(message.topic);
    if (!audience) return stop(audience.error());
    accepting_->put({destination_, client::encode_for_outbox(message), std::move(*audience)});
  }

  void accept() {
    if (finished()) return;
    const auto some = accepting_->commit();
    if (!some) return stop(some.error());
    if (*some) {
      lock_->tell();
      auto stats = outbox_->stats();
      if (!stats) return stop(stats.error());
      last_ = stats->last;
    }
    if (accepting_->blocked() && choices_.enqueue_only) {
      return stop({Errc::limit, "the outbox is full",
                   "'sts outbox flush' delivers what is in it; outbox_bytes and outbox_messages in "
                   "the config say how large it may grow"});
    }
    if (delivery_) check(delivery_->more());
    feed_.more();
    end_if_done();
  }

  void on_news() {
    if (finished()) return;
    if (delivery_) check(delivery_->more());
    if (accepting_->blocked()) accept();
    end_if_done();
  }

  void deliver() {
    if (finished()) return;
    delivery_.emplace(
        *outbox_, *writer_, std::chrono::system_clock::now,
        client::OutboxDelivery::Owner{
            [this](const auto& message) { return uplink_.publish(message); }, show_line,
            [this] { lock_->tell(); }, [this] { return presence_->may_seal(); }});
    uplink_.open({choices_.config.broker, {}, true});
    wait_for_broker();
  }

  // client::Uplink::Owner
  void on_connecting(mqtt::Options& options) override { presence_->on_connecting(options); }
  void on_online(const mqtt::Connected& broker) override {
    if (delivery_->idle()) broker_is_fine();
    presence_->on_online();
    check(delivery_->online(broker.resumed));
    end_if_done();
  }
  void on_subscribed(const std::string& filter, const Result<mqtt::Qos>& granted) override {
    presence_->on_subscribed(filter, granted);
  }
  void on_unsubscribed(const std::string& filter, const Result<void>&) override {
    presence_->on_unsubscribed(filter);
    end_if_done();
  }
  void on_offline() override {
    check(delivery_->offline());
    presence_->on_offline();
    wait_for_broker();
  }
  void on_no_connection(const Error& why, int connack) override {
    show(why);
    end(connack != 0 ? connack : exit_failed);
  }
  void on_message(mqtt::Message message) override { presence_->on_message(message); }
  void on_published(mqtt::PublishId id, const Result<void>& outcome) override {
    if (outcome) broker_is_fine();
    check(delivery_->published(id, outcome));
    presence_->settle();
    end_if_done();
  }
  void log(const client::Line& line) override { show(line); }

  /// What was accepted waits as long as it takes, unless somebody says how long.
  void wait_for_broker() {
    if (!choices_.config.timeout || std::exchange(waiting_, true)) return;
    alarm(*choices_.config.timeout, [this] {
      stop({Errc::io, "the broker didn't come back and acknowledge in time",
            "--timeout says how long to wait"});
    });
  }
  void broker_is_fine() {
    waiting_ = false;
    alarm_off();
  }

  void check(const Result<void>& outcome) {
    if (!outcome && !finished()) stop(outcome.error());
  }
  void stop(const Error& why) {
    show(why);
    end(exit_failed);
  }

  void end_if_done() {
    if (finished() || !fed_ || (accepting_->size() > 0 && !interrupted_)) return;
    if (choices_.enqueue_only) return end(exit_ok);
    const auto waits =
        flush_ ? outbox_->waits(nullptr) : outbox_->waits(&store::Outbox::not_apart, first_, last_);
    if (!waits) return stop(waits.error());
    if (!delivery_) {
      if (!*waits) end(interrupted_ ? exit_failed : exit_ok);  // another process delivered them
      return;
    }
    const bool over = (!*waits && !flush_) || delivery_->idle();
    if (!over || !uplink_.online()) {
      if (*waits || uplink_.was_online()) return;
      return end(exit_ok);  // another process was faster
    }
    delivery_->stop();
    if (!std::exchange(ending_, true)) check(delivery_->finish());
    if (finished() || !delivery_->idle()) return;  // again when that is taken
    check(writer_->confirm());
    end(*waits || interrupted_ ? exit_failed : exit_ok);
  }

  void end(int exit_code) {
    if (finished()) return;
    if (delivery_) (void)delivery_->offline();  // what the broker took is out
    client::tell_dropped(*outbox_, show_line);
    if (const auto stats = outbox_->stats(); stats && stats->messages > 0 && exit_code != exit_ok) {
      show(Error{
          Errc::io,
          fmt::format("{} in the outbox",
                      counted(stats->messages, "message waits", "messages wait")),
          client::is_for_session(destination_)
              ? fmt::format("for that session: sts outbox flush --peer {} -t {}",
                            store::shell_word(peer_), store::shell_word(choices_.message.topic))
              : "deliver them with: sts outbox flush; what 'sts outbox list' shows for a peer "
                "with: sts outbox flush --peer NAME -t TOPIC"});
    }
    if (const auto left = accepting_->size(); left > 0) {
      show(Error{Errc::io,
                 fmt::format("{} not accepted", counted(left, "message was", "messages were"))});
    }
    finish(exit_code);
    feed_.stop();
    if (presence_) presence_->stop();
    lock_->close();
    // Not from within what the uplink is just telling.
    asio::post(loop(), [this] { uplink_.close(); });
  }

  PubChoices choices_;
  crypto::SystemRandom random_;
  std::optional<store::Outbox> outbox_;
  std::optional<client::Acceptance> accepting_;
  std::optional<client::ChannelWriter> writer_;
  std::unique_ptr<client::OutboxLock> lock_;
  client::Uplink uplink_;
  std::optional<client::Presence> presence_;        // where there is a writer
  std::optional<client::OutboxDelivery> delivery_;  // as long as this process delivers
  Feed feed_;
  std::string destination_, peer_;      // a topic, or for a peer, and which
  std::uint64_t first_ = 0, last_ = 0;  // what this process accepted is in between
  bool flush_, fed_;
  bool waiting_ = false, interrupted_ = false, ending_ = false;
};

}  // namespace

int run_durable_pub(asio::io_context& loop, PubChoices choices) {
  auto home = store::Home::from_environment();
  if (!home) return report(tl::unexpected(home.error()));
  DurablePub job(loop, std::move(choices));
  if (auto prepared = job.prepare(*home); !prepared) return report(prepared);
  return job.run();
}

}  // namespace sts::cli
