// What a sender shows of itself besides its messages: its will, which connection it has,
// heartbeats; and what it finds of its own at the broker.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "client/channel_writer.h"

namespace sts::client {

using channel::Packet;

namespace {

/// Taken away with one look: a broker may show as many as it likes.
constexpr std::size_t leftovers_at_once = 1000;

/// MQTT's 65535 bytes less the frame, a signature and the most that is padded.
constexpr std::size_t will_max = 63'000;

}  // namespace

Result<void> ChannelWriter::check_will() const {
  if (!options_.will) return {};
  if (options_.will->retain) {
    return fail(Errc::refused,
                "a sealed will is not retained: who comes later would find it without its key",
                "leave --will-retain (will_retain) out");
  }
  if (options_.will->payload.size() > will_max) {
    return fail(Errc::refused, fmt::format("the will is longer than {} bytes", will_max),
                "shorten it");
  }
  return check_readers(options_.will->topic);
}

std::optional<ChannelWriter::Under> ChannelWriter::will_under() const {
  if (!options_.will || unsure()) return std::nullopt;
  auto name = reader_set_id(readers_of(options_.will->topic));
  const auto open = own_.find(name);
  if (open == own_.end()) return std::nullopt;
  return Under{std::move(name), open->second.sender.epoch()};
}

Result<void> ChannelWriter::ready_will(std::vector<Packet>& out) {
  if (!options_.will || unsure() || readers_of(options_.will->topic).empty()) return {};
  auto open = ready_own(options_.will->topic, out);
  return open.map([](auto*) {});
}

Result<std::vector<mqtt::Message>> ChannelWriter::renew_will() {
  if (auto fresh = follow_trust(); !fresh) return tl::unexpected(fresh.error());
  auto out = std::exchange(owed_, {});
  if (auto ready = ready_will(out); !ready) return tl::unexpected(ready.error());
  return to_messages(std::move(out));
}

Result<std::optional<mqtt::Message>> ChannelWriter::connecting() {
  left_.reset();
  if (auto fresh = follow_trust(); !fresh) return tl::unexpected(fresh.error());
  std::vector<Packet> renewed;
  if (auto ready = ready_will(renewed); !ready) return tl::unexpected(ready.error());
  // The keys are told on the connection as it begins; what they replace is not.
  for (auto& one : renewed) {
    if (one.payload.empty()) owed_.push_back(std::move(one));
  }
  auto under = will_under();
  if (!under) return std::nullopt;
  const auto& will = *options_.will;
  random_.fill(connection_.bytes);
  auto sealed =
      own_.at(under->readers).sender.seal_will(will.topic, connection_, {.payload = will.payload});
  if (!sealed) return tl::unexpected(sealed.error());
  left_ = std::move(under);
  return mqtt::Message{will.topic, std::move(*sealed), will.qos};
}

Result<std::vector<mqtt::Message>> ChannelWriter::announce() {
  auto out = to_messages(std::exchange(owed_, {}));
  if (!left_) return out;
  const auto open = own_.find(left_->readers);
  if (open == own_.end()) return out;  // its readers changed meanwhile: will_outdated()
  const auto& topic = options_.will->topic;
  auto sealed = open->second.sender.seal(
      topic, {.online = connection_, .time = sender_time(wall_clock_())}, clock_());
  if (!sealed) return tl::unexpected(sealed.error());
  used_.emplace(topic, false);
  out.push_back({topic, std::move(*sealed), mqtt::Qos::at_least_once});
  return out;
}

Result<std::vector<mqtt::Message>> ChannelWriter::heartbeat() {
  std::vector<mqtt::Message> out;
  const auto used = used_;
  for (const auto& [topic, stored] : used) {
    if (readers_of(topic).empty()) continue;
    auto sealed = seal({topic, {}, mqtt::Qos::at_least_once}, stored, {.ping = true});
    if (!sealed) return sealed;
    std::ranges::move(*sealed, std::back_inserter(out));
  }
  return out;
}

std::optional<std::string> ChannelWriter::look() const {
  if (!look_) return std::nullopt;
  return channel::own_key_filter(options_.sender.key_prefix,
                                 channel::sender_id(identity_->public_key));
}

void ChannelWriter::found(const mqtt::Message& message) {
  if (!look_) return;
  const auto packet = channel::decode_key_packet(message.payload);
  if (!packet) return;
  const auto use = channel::own_packet(*packet, message.topic, identity_->private_key);
  if (!use) return;
  look_->highest = std::max(look_->highest, packet->header.epoch);
  look_->signs = look_->signs || packet->header.signing_key;
  // Nobody seals under what is so old. What a clock that is wrong makes too young or too old stays.
  const auto now = sender_time(wall_clock_());
  const auto created = packet->header.created;
  if (*use == channel::Use::passing && now && created <= *now &&
      std::chrono::milliseconds(*now - created) >= channel::reject_after_time &&
      look_->leftovers.size() < leftovers_at_once &&
      std::ranges::find(look_->leftovers, message.topic) == look_->leftovers.end()) {
    look_->leftovers.push_back(message.topic);
  }
}

Result<std::vector<mqtt::Message>> ChannelWriter::looked() {
  const auto look = std::exchange(look_, std::nullopt);
  std::vector<mqtt::Message> out;
  if (!look) return out;
  if ((unsure_ && look->highest > 0) || (look->signs && !signs())) {
    options_.sender.sign = signs() || look->signs;  // begin() stores it
    auto change = begin();
    if (!change) return tl::unexpected(change.error());
    if (auto done = change->found(look->highest); !done) return tl::unexpected(done.error());
    if (auto done = change->commit(); !done) return tl::unexpected(done.error());
  }
  for (const auto& topic : look->leftovers) out.push_back(to_message({topic, {}}));
  return out;
}

}  // namespace sts::client
