#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/counted.h"
#include "client/channel_outbox.h"
#include "client/channel_reader.h"
#include "client/channel_writer.h"
#include "client/conversation.h"
#include "client/presence.h"
#include "client/publish_queue.h"
#include "client/warnings.h"

namespace sts::client {
namespace {

class Channel final : public Conversation, private PublishQueue::Owner {
 public:
  Channel(asio::io_context& loop, const Config& config, const store::Home& home,
          ChannelWriter writer, ChannelReader reader, const Clock& clock, Port& port)
      : port_(port),
        home_(home),
        rights_(config.rights),
        pubtop_(config.pubtop),
        qos_(qos_of(config)),
        writer_(std::move(writer)),
        reader_(std::move(reader)),
        warnings_(clock, [this](const Line& line) { port_.log(line); }),
        presence_(
            loop, clock,
            {[this](auto subscription) { port_.listen(std::move(subscription)); },
             [this](const auto& filter) { port_.unlisten(filter); }, [this] { port_.reconnect(); }},
            writer_, config.heartbeat.value_or(std::chrono::seconds(0)),
            {[this](auto messages) { tell(std::move(messages)); }, [this] { return at_rest(); },
             [this] { ready(); }, [this](const Line& line) { port_.log(line); }}) {}

  Result<void> use_outbox(asio::io_context& loop, const store::OutboxOptions& options,
                          const WallClock& wall_clock, Random& random) {
    auto outbox = ChannelOutbox::open(
        loop, home_, options, writer_, wall_clock, random,
        {{.publish =
              [this](const mqtt::Message& message) {
                auto id = port_.publish(message);
                if (id) port_.sent(message.payload);
                return id;
              },
          .log = [this](const Line& line) { port_.log(line); },
          .may_seal = [this] { return presence_.may_seal(); }},
         [this] { outbox_due(); },
         [this](std::size_t count, const Error& why) { port_.given_up(count, why); }});
    if (!outbox) return tl::unexpected(outbox.error());
    outbox_ = std::move(*outbox);
    return {};
  }

  mqtt::Qos qos() const override { return qos_; }

  std::vector<mqtt::Subscription> subscriptions() const override {
    auto out = key_subscriptions();  // before what they open
    for (const auto& filter : reader_.filters()) out.push_back(without_own({filter, qos_}));
    return out;
  }
  Result<void> follow(mqtt::Subscription& subscription) override {
    show(reader_.refresh());
    if (auto some = reader_.check_senders(); !some) return some;
    subscription = without_own(std::move(subscription));
    reader_.follow(subscription.filter);
    return {};
  }
  Result<void> unfollow(const std::string& filter) override {
    reader_.unfollow(filter);
    return {};
  }
  bool follows(const std::string& filter) const override {
    const auto& all = reader_.filters();
    return std::ranges::find(all, filter) != all.end();
  }

  Result<TopicRights> rights(const std::string& topic) const override {
    const auto trust = TrustFile::load(home_, rights_);
    if (!trust) return tl::unexpected(trust.error());
    const auto who = [](const store::Peer& peer) {
      return TopicRights::Who{peer.name, crypto::fingerprint(peer.key)};
    };
    TopicRights out;
    for (const auto* peer : store::readers_of(trust->peers(), topic)) {
      out.readers.push_back(who(*peer));
    }
    for (const auto& peer : trust->peers()) {
      if (store::may_write(peer, topic)) out.writers.push_back(who(peer));
    }
    return out;
  }

  void connecting(mqtt::Options& options) override { presence_.on_connecting(options); }
  void online(std::size_t, bool resumed, Instant) override {
    queue_.online(resumed);
    presence_.on_online();  // keys before what they open
    if (outbox_) outbox_->online(resumed);
  }
  void offline(Instant) override {
    queue_.offline();
    if (outbox_) outbox_->offline();
    presence_.on_offline();
  }
  void listening(const std::string& filter, const Result<mqtt::Qos>& granted) override {
    presence_.on_subscribed(filter, granted);
  }
  void unlistened(const std::string& filter) override { presence_.on_unsubscribed(filter); }

  void receive(mqtt::Message message, Instant) override {
    presence_.on_message(message);
    show(reader_.on_message(message));
  }
  Instant next_deadline() const override {
    return std::min(reader_.next_deadline(), presence_.next_deadline());
  }
  void advance(Instant now) override {
    if (now >= reader_.next_deadline()) show(reader_.advance());
    if (now >= presence_.next_deadline()) presence_.advance();
  }

  void published(mqtt::PublishId id, const Result<void>& outcome, Instant) override {
    queue_.published(id, outcome);
    if (outbox_) outbox_->published(id, outcome);
    presence_.settle();
    tell_room();
    settle();
  }

  bool accepts_offline() const override { return outbox_ != nullptr; }
  Result<void> send(std::string_view text, bool encrypted, Instant now) override {
    if (!encrypted) return fail(Errc::refused, "channels are encrypted", "use sendenc or pub");
    if (pubtop_.empty()) {
      return fail(Errc::refused, "the config has no pubtop", "'pub TOPIC MSG' names a topic");
    }
    return publish({pubtop_, to_bytes(as_bytes(text)), qos_}, now);
  }

  Result<void> publish(const mqtt::Message& message, Instant) override {
    if (outbox_) return accept(message);
    if (!was_ready_) {
      return fail(Errc::refused, "not connected to the broker yet", "wait for \"connected to\"");
    }
    if (!has_room()) {
      wants_room_ = true;
      return fail(Errc::limit, "too many messages wait for the broker",
                  "wait until it has taken some");
    }
    auto sealed = writer_.seal(message);
    // Not Errc::limit, after which there would be room.
    if (!sealed) return fail(Errc::refused, sealed.error().message, sealed.error().hint);
    auto pushed = push(std::move(*sealed));
    presence_.check();
    return pushed;
  }

  void stop(Instant) override {
    stopping_ = true;
    presence_.stop();
    show(reader_.finish());
    warnings_.end();
    if (!outbox_) return settle();
    outbox_->tell_dropped();
    outbox_due();  // what went wrong may work by now
  }
  /// The ends of streams are no messages.
  std::size_t unacknowledged() const override {
    if (outbox_) return outbox_->waiting();
    return ending_ ? 0 : queue_.size();
  }
  std::optional<Error> kept(std::size_t messages) const override {
    if (!outbox_) return std::nullopt;
    return Error{Errc::io, counted(messages, "message waits", "messages wait") + " in the outbox",
                 "the next session with it, or 'sts outbox flush', delivers"};
  }

  void describe(Status& status, Instant) const override {
    status.protocol = "STS 2 (channels)";
    status.cipher = writer_.signs() ? "ChaCha20-Poly1305 (Noise_K), signed (Ed25519)"
                                    : "ChaCha20-Poly1305 (Noise_K)";
    status.subtop = fmt::format("{}", fmt::join(reader_.filters(), ", "));
    status.reports = reader_.report();
    if (outbox_) status.outbox = outbox_->waiting();
  }

 private:
  /// What this client published isn't sealed for itself.
  static mqtt::Subscription without_own(mqtt::Subscription subscription) {
    subscription.no_local = !subscription.filter.starts_with("$share/");
    return subscription;
  }
  std::vector<mqtt::Subscription> key_subscriptions() const {
    std::vector<mqtt::Subscription> out;
    for (auto& filter : reader_.key_filters()) {
      out.push_back({std::move(filter), mqtt::Qos::at_least_once});
    }
    return out;
  }

  void show(ChannelReader::Output output) {
    for (auto& received : output.messages) port_.received(std::move(received));
    for (const auto& line : output.lines) warnings_.show(line);
    if (!output.more_keys) return;
    for (auto& subscription : key_subscriptions()) port_.listen(std::move(subscription));
  }

  // --- Durable messages

  Result<void> accept(const mqtt::Message& message) {
    if (!outbox_->full()) return outbox_->put(message);
    wants_room_ = true;
    return fail(Errc::limit, "the outbox is full", "wait until the broker has taken some");
  }
  /// More is to be accepted, or another process told something.
  void outbox_due() {
    outbox_->work();
    tell_room();
    settle();
  }

  bool at_rest() const { return queue_.size() == 0 && (!outbox_ || outbox_->at_rest()); }
  /// Nothing is sealed while the will changes, either.
  bool has_room() const {
    if (outbox_) return !outbox_->full();
    return !queue_.full() && presence_.may_seal();
  }
  void tell_room() {
    if (wants_room_ && has_room() && std::exchange(wants_room_, false)) port_.room();
  }

  // Of presence_
  void ready() {
    was_ready_ = true;
    if (outbox_) outbox_->work();
    port_.up(true);
    tell_room();
    settle();
  }
  void tell(std::vector<mqtt::Message> messages) {
    const auto told = push(std::move(messages));
    if (told) return;
    on_given_up(told.error());
    if (outbox_) outbox_->no_key(told.error());
  }

  /// An error where one of them can't ever be published; the others are.
  Result<void> push(std::vector<mqtt::Message> messages) {
    Result<void> out;
    for (auto& message : messages) {
      if (auto pushed = queue_.push(std::move(message)); !pushed) out = pushed;
    }
    return out;
  }

  void settle() {
    if (!at_rest()) return;
    if (!lost_) {
      if (auto confirmed = writer_.confirm(); !confirmed) port_.log(error_line(confirmed.error()));
    }
    if (outbox_ && !outbox_->idle()) return;
    if (outbox_ && outbox_->empty()) port_.drained();
    if (!stopping_) return;
    if (!std::exchange(ending_, true)) {
      auto last = writer_.finish();
      const auto told = last ? push(std::move(*last)) : Result<void>(tl::unexpected(last.error()));
      if (!told) port_.log(error_line(told.error()));
      if (queue_.size() != 0) return;  // again when the broker has it
    }
    const auto waiting = outbox_ ? outbox_->waiting() : 0;
    port_.ended(waiting > 0 ? kept(waiting) : std::nullopt);
  }

  // PublishQueue::Owner
  Result<mqtt::PublishId> publish(const mqtt::Message& message) override {
    return port_.publish(message);
  }
  void on_handed_over(const mqtt::Message& message) override { port_.sent(message.payload); }
  void on_given_up(const Error& why) override {
    lost_ = true;
    port_.given_up(1, {why.code, "a message was not delivered: " + why.message, why.hint});
  }

  Port& port_;
  const store::Home& home_;
  store::PeerRights rights_;
  std::string pubtop_;
  mqtt::Qos qos_;
  ChannelWriter writer_;
  ChannelReader reader_;
  Warnings warnings_;
  PublishQueue queue_{*this};
  Presence presence_;
  std::unique_ptr<ChannelOutbox> outbox_;
  bool was_ready_ = false, wants_room_ = false, lost_ = false;
  bool stopping_ = false, ending_ = false;
};

}  // namespace

Result<std::unique_ptr<Conversation>> make_channel(asio::io_context& loop, const Config& config,
                                                   const store::Home& home, Random& random,
                                                   Clock clock, Port& port) {
  if (auto own = own_identity(home, random, port); !own) return tl::unexpected(own.error());
  const WallClock wall_clock = std::chrono::system_clock::now;
  auto sending = channel_options(config, true);
  sending.will = config.broker.will;
  auto writer = ChannelWriter::open(home, std::move(sending), clock, wall_clock, random);
  if (!writer) return tl::unexpected(writer.error());
  if (!writer->warning().empty()) port.log({Level::warning, writer->warning()});
  ChannelReader::Options options;
  options.filters = config.channels;
  options.key_prefix = config.key_prefix;
  options.rights = config.rights;
  auto reader = ChannelReader::open(home, std::move(options), clock, wall_clock, random);
  if (!reader) return tl::unexpected(reader.error());
  if (!config.channels.empty()) {
    if (auto some = reader->check_senders(); !some) return tl::unexpected(some.error());
  }
  auto out = std::make_unique<Channel>(loop, config, home, std::move(*writer), std::move(*reader),
                                       clock, port);
  if (config.durable) {
    auto opened = out->use_outbox(loop, config.outbox, wall_clock, random);
    if (!opened) return tl::unexpected(opened.error());
  }
  return out;
}

}  // namespace sts::client
