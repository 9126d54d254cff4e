#include "client/channel_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "crypto/hash.h"
#include "crypto/wiped.h"
#include "store/file.h"
#include "store/identity.h"

namespace sts::client {
namespace {

using channel::Packet;

std::vector<channel::Recipient> recipients(const std::vector<const store::Peer*>& readers) {
  std::vector<channel::Recipient> out;
  out.reserve(readers.size());
  for (const auto* reader : readers) {
    out.push_back({reader->key, reader->psk ? &*reader->psk : nullptr});
  }
  return out;
}

}  // namespace

mqtt::Message to_message(Packet packet) {
  return {std::move(packet.topic), std::move(packet.payload), mqtt::Qos::at_least_once, true};
}

std::vector<mqtt::Message> to_messages(std::vector<Packet> packets) {
  std::vector<mqtt::Message> out;
  out.reserve(packets.size() + 1);  // what they open may follow
  for (auto& packet : packets) out.push_back(to_message(std::move(packet)));
  return out;
}

void move_to(std::vector<Packet>& to, std::vector<Packet> packets) {
  std::ranges::move(packets, std::back_inserter(to));
}

std::optional<std::uint64_t> sender_time(std::chrono::system_clock::time_point now) {
  const auto since = unix_ms(now);
  return since < first_right_clock_ms ? std::nullopt : std::optional(since);
}

ChannelOptions channel_options(const Config& config, bool own_stream) {
  ChannelOptions out;
  out.sender.pad = config.pad;
  out.sender.sign = config.sign;
  out.sender.key_prefix = config.key_prefix;
  out.own_stream = own_stream;
  out.rights = config.rights;
  return out;
}

Result<ChannelWriter> ChannelWriter::open(const store::Home& home, ChannelOptions options,
                                          Clock clock, WallClock wall_clock, Random& random) {
  auto identity = store::load_or_create_identity(home, random);
  if (!identity) return tl::unexpected(identity.error());
  auto trust = TrustFile::load(home, options.rights);
  if (!trust) return tl::unexpected(trust.error());
  auto state = store::State::open(home, identity->pair.private_key, random);
  if (!state) return tl::unexpected(state.error());
  const bool sign = options.sender.sign, own_stream = options.own_stream;
  ChannelWriter out(std::move(options), std::move(clock), std::move(wall_clock), random,
                    std::move(identity->pair), std::move(*trust), std::move(*state));
  auto change = out.state_->begin();
  if (!change) return tl::unexpected(change.error());
  const auto signs = change->signs();
  if (!signs) return tl::unexpected(signs.error());
  const auto behind = change->behind();
  if (!behind) return tl::unexpected(behind.error());
  out.unsure_ = *behind || !sender_time(out.wall_clock_());
  if (out.unsure_ || own_stream) out.look_.emplace();
  if (sign && !*signs) {
    if (auto set = change->set_signs(); !set) return tl::unexpected(set.error());
    if (auto done = change->commit(); !done) return tl::unexpected(done.error());
  }
  out.options_.sender.sign = sign || *signs;
  if (auto will = out.check_will(); !will) return tl::unexpected(will.error());
  return out;
}

ChannelWriter::ChannelWriter(ChannelOptions options, Clock clock, WallClock wall_clock,
                             Random& random, crypto::KeyPair identity, TrustFile trust,
                             store::State state)
    : options_(std::move(options)),
      clock_(std::move(clock)),
      wall_clock_(std::move(wall_clock)),
      random_(random),
      identity_(std::make_unique<crypto::KeyPair>(std::move(identity))),
      trust_(std::move(trust)),
      state_(std::make_unique<store::State>(std::move(state))) {}

Result<store::State::Change> ChannelWriter::begin() {
  auto change = state_->begin();
  if (!change) return change;
  const auto signs = change->signs();
  if (!signs) return tl::unexpected(signs.error());
  // The state may be older by now than what this process knows of it.
  if (this->signs() && !*signs) {
    if (auto set = change->set_signs(); !set) return tl::unexpected(set.error());
  }
  options_.sender.sign = this->signs() || *signs;
  return change;
}

std::uint64_t ChannelWriter::now_ms() const { return unix_ms(wall_clock_()); }

ChannelWriter::Readers ChannelWriter::readers_of(std::string_view topic) const {
  auto out = store::readers_of(trust_.peers(), topic);
  std::ranges::sort(out, {}, &store::Peer::key);
  return out;
}

ChannelWriter::ReaderSetId ChannelWriter::reader_set_id(const Readers& readers) const {
  crypto::WipedBytes all{static_cast<std::uint8_t>(options_.sender.sign ? 1 : 0)};
  for (const auto* reader : readers) {
    append(all, reader->key.view());
    if (reader->psk) append(all, crypto::hash(reader->psk->bytes()));
  }
  // Keyed, since it lies in the clear in the state: nobody is to try sets of readers on it.
  const auto name = crypto::kdf(identity_->private_key.bytes(), "STS 2 readers", all);
  return {name.bytes().begin(), name.bytes().begin() + 16};
}

Result<void> ChannelWriter::check_readers(const std::string& topic) const {
  if (!readers_of(topic).empty()) return {};
  return fail(Errc::refused, fmt::format("nobody may read {}", topic),
              fmt::format("sts peer add NAME KEY --reads {0}, or for a peer that is known "
                          "sts peer allow NAME --reads {0}",
                          store::shell_word(topic)));
}

Result<Bytes> ChannelWriter::audience(const std::string& topic) {
  return follow_trust().map([&] { return reader_set_id(readers_of(topic)); });
}

Result<std::vector<mqtt::Message>> ChannelWriter::seal(const mqtt::Message& clear,
                                                       const OutOfOutbox* durable) {
  return seal(clear, !options_.own_stream || clear.retain, {.durable = durable});
}

Result<std::vector<mqtt::Message>> ChannelWriter::seal(const mqtt::Message& clear, bool stored,
                                                       const How& how) {
  if (auto fresh = follow_trust(); !fresh) return tl::unexpected(fresh.error());
  if (auto some = check_readers(clear.topic); !some) return tl::unexpected(some.error());
  auto before = std::exchange(owed_, {});
  auto sealed = stored ? seal_stored(clear, how, before) : seal_own(clear, how, before);
  if (!sealed) return tl::unexpected(sealed.error());
  used_.emplace(clear.topic, stored);
  auto out = to_messages(std::move(before));
  mqtt::Message message{clear.topic, std::move(*sealed), clear.qos, clear.retain};
  message.properties.message_expiry = clear.properties.message_expiry;
  out.push_back(std::move(message));
  return out;
}

Result<Bytes> ChannelWriter::seal_content(channel::Sender& sender, const mqtt::Message& clear,
                                          const How& how) {
  if (how.ping) {
    return sender.seal(clear.topic, {.ping = true, .time = sender_time(wall_clock_())}, clock_());
  }
  if (clear.retain && clear.payload.empty()) {
    sender.forget_retained(clear.topic);
    return Bytes{};
  }
  channel::Content content{
      .payload = clear.payload, .time = sender_time(wall_clock_()), .retained = clear.retain};
  if (const auto* durable = how.durable; durable != nullptr) {
    content.durable = durable->place;
    const auto accepted = sender_time(
        std::chrono::system_clock::time_point(std::chrono::milliseconds(durable->accepted_ms)));
    // Never in the future, though a clock may have been there.
    if (accepted) content.time = std::min(content.time.value_or(*accepted), *accepted);
  }
  if (!clear.properties.content_type.empty()) content.content_type = clear.properties.content_type;
  for (const auto& [name, value] : clear.properties.user_properties) {
    content.user_properties.emplace_back(name, value);
  }
  return sender.seal(clear.topic, content, clock_());
}

Result<std::vector<Packet>> ChannelWriter::begin_epoch(channel::Sender& sender,
                                                       const Readers& readers,
                                                       store::State::Change& change) {
  const auto now = now_ms();
  const auto number = change.next_epoch(now);
  if (!number) return tl::unexpected(number.error());
  return sender.begin_epoch(recipients(readers), *number, now, clock_());
}

Result<std::vector<Packet>> ChannelWriter::begin_own_epoch(channel::Sender& sender,
                                                           std::string_view topic) {
  auto change = begin();
  if (!change) return tl::unexpected(change.error());
  // It has just begun to sign: nobody takes another key that doesn't, nor needs its end.
  if (signs() != own_sign_) return std::vector<Packet>();
  const auto now = now_ms();
  const auto number = change->next_epoch(now);
  if (!number) return tl::unexpected(number.error());
  if (auto done = change->commit(); !done) return tl::unexpected(done.error());
  return sender.begin_epoch(recipients(readers_of(topic)), *number, now, clock_());
}

Result<ChannelWriter::StoredSender*> ChannelWriter::ready_own(const std::string& topic,
                                                              std::vector<Packet>& before) {
  const auto name = reader_set_id(readers_of(topic));
  auto known = own_.find(name);
  if (known == own_.end()) {
    auto options = options_.sender;
    options.use = channel::Use::passing;
    known =
        own_.emplace(name, StoredSender{channel::Sender(*identity_, std::move(options), random_)})
            .first;
  }
  auto& open = known->second;
  if (open.sender.epoch_due(clock_())) {
    auto packets = begin_own_epoch(open.sender, topic);
    if (!packets) return tl::unexpected(packets.error());
    if (signs() != own_sign_) {
      // Meanwhile it has begun to: this sender doesn't, and goes.
      if (auto fresh = follow_trust(); !fresh) return tl::unexpected(fresh.error());
      return ready_own(topic, before);
    }
    move_to(before, std::move(*packets));
  }
  return &open;
}

Result<Bytes> ChannelWriter::seal_own(const mqtt::Message& clear, const How& how,
                                      std::vector<Packet>& before) {
  auto open = ready_own(clear.topic, before);
  if (!open) return tl::unexpected(open.error());
  return seal_content((*open)->sender, clear, how);
}

Result<std::vector<mqtt::Message>> ChannelWriter::reconnected() {
  auto out = tell_stored();
  if (!out) return tl::unexpected(out.error());
  for (const auto& [name, open] : own_) move_to(*out, open.sender.keys());
  return to_messages(std::move(*out));
}

Result<void> ChannelWriter::follow_trust() {
  const auto fresh = trust_.refresh();
  if (!fresh) return tl::unexpected(fresh.error());
  if (clock_() >= look_at_signs_) {
    look_at_signs_ = clock_() + std::chrono::seconds(1);
    (void)begin();  // reads whether it signs; what fails now may not with the next
  }
  const bool sign = signs();
  trust_changed_ = trust_changed_ || *fresh || sign != own_sign_;
  if (!trust_changed_) return {};
  for (auto open = own_.begin(); open != own_.end();) {
    auto& [name, own] = *open;
    if (read_by(name, own.sender.topics())) {
      ++open;
      continue;
    }
    auto packets = end_own(own.sender);
    if (!packets) return tl::unexpected(packets.error());
    move_to(owed_, std::move(*packets));
    open = own_.erase(open);
  }
  own_sign_ = sign;
  trust_changed_ = false;
  return {};
}

bool ChannelWriter::read_by(const ReaderSetId& readers,
                            const std::vector<std::string>& topics) const {
  return std::ranges::any_of(
      topics, [&](const auto& topic) { return reader_set_id(readers_of(topic)) == readers; });
}

Result<std::vector<Packet>> ChannelWriter::end_own(channel::Sender& sender) {
  std::vector<Packet> out;
  const auto topics = sender.topics();
  const auto told =
      std::ranges::find_if(topics, [&](const auto& topic) { return !readers_of(topic).empty(); });
  if (told != topics.end()) {
    // A last epoch without messages, which tells the counters of the one before.
    auto packets = begin_own_epoch(sender, *told);
    if (!packets) return packets;
    out = std::move(*packets);
  }
  move_to(out, sender.clear());
  return out;
}

Result<std::vector<mqtt::Message>> ChannelWriter::finish() {
  std::vector<Packet> out;
  for (auto& [name, open] : own_) {
    auto packets = end_own(open.sender);
    if (!packets) return tl::unexpected(packets.error());
    move_to(out, std::move(*packets));
  }
  own_.clear();
  used_.clear();
  options_.will.reset();
  left_.reset();
  return to_messages(std::move(out));
}

}  // namespace sts::client
