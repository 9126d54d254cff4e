#include "client/channel_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/counted.h"
#include "base/text.h"
#include "base/topic.h"
#include "store/identity.h"

namespace sts::client {
namespace {

using channel::NoticeKind;

/// Whether all messages on the topic come here. Of a shared subscription ($share) others get some,
/// which are not missing; a notice without a topic is of any.
bool is_whole(const std::vector<std::string>& filters, std::string_view topic) {
  return std::ranges::any_of(filters, [&](const std::string& filter) {
    return topic.empty() ? !filter.starts_with("$share/") : topic_matches(filter, topic);
  });
}

/// What a notice tells, and how bad that is.
Line words(const channel::Notice& notice, const std::string& sender, bool kept) {
  const auto topic = printable(notice.topic);
  const auto count = counted(notice.count, "message", "messages");
  switch (notice.kind) {
    case NoticeKind::malformed:
      return {Level::warning, fmt::format("{}: something that isn't STS", topic),
              "whoever sends in the clear there: --plain or sts_mode = nosec reads that"};
    case NoticeKind::forged:
      return {Level::warning,
              fmt::format("{}: a forged or damaged message as if from {}", topic, sender)};
    case NoticeKind::not_signed:
      if (notice.topic.empty()) {
        return {Level::warning,
                fmt::format("a key of {} that doesn't sign, as its keys did before", sender),
                "if it lost its state, 'sts pub --sign' there once mends it"};
      }
      return {Level::warning,
              fmt::format("{}: a message that a reader made in {}'s name", topic, sender)};
    case NoticeKind::forbidden:
      return {Level::warning, fmt::format("{}: {} isn't believed there", topic, sender),
              "sts peer allow gives it the right: --writes FILTER"};
    case NoticeKind::repeated:
      return {Level::warning,
              fmt::format("{}: the broker repeated a message of {}", topic, sender)};
    case NoticeKind::missing:
      return {Level::warning, fmt::format("{}: {} of {} missing", topic, count, sender)};
    case NoticeKind::found:
      return {Level::info, fmt::format("{}: {} of {} came after all", topic, count, sender)};
    case NoticeKind::durable_missing:
      return {Level::warning,
              fmt::format("{}: {} of {}'s outbox dropped there, or lost", topic, count, sender)};
    case NoticeKind::rolled_back:
      return {
          Level::warning,
          fmt::format("{}: the broker retains an older message of {} than it did", topic, sender)};
    case NoticeKind::key_missing:
      return {Level::warning,
              fmt::format("a key of {} didn't come: what was sent under it can't be "
                          "counted",
                          sender)};
    case NoticeKind::undecryptable:
      return {
          Level::warning, fmt::format("{}: {} without a key for us", topic, count),
          "the sender's trust file says who may read: sts peer add NAME KEY --reads FILTER; if it "
          "lets this side, the broker lost the key, and the sender publishes it again with its "
          "next process or connection"};
    case NoticeKind::old_key:
      return {Level::warning,
              fmt::format("an old key of {}: replayed, or it lost its state", sender),
              kept ? "if it did: sts peer reset " + sender : "if it did, start this reader again"};
    case NoticeKind::full:
      return {Level::warning, fmt::format("{} uses more topics or keys than are followed", sender)};
  }
  return {Level::info, {}};
}

}  // namespace

Result<ChannelReader> ChannelReader::open(const store::Home& home, Options options, Clock clock,
                                          WallClock wall_clock, Random& random) {
  auto identity = store::load_or_create_identity(home, random);
  if (!identity) return tl::unexpected(identity.error());
  auto trust = TrustFile::load(home, options.rights);
  if (!trust) return tl::unexpected(trust.error());
  ChannelReader out(std::move(options), std::move(clock), std::move(wall_clock),
                    std::move(identity->pair), std::move(*trust));
  if (auto kept = out.keep(home, random); !kept) return tl::unexpected(kept.error());
  if (auto trusted = out.trust_all(); !trusted) return tl::unexpected(trusted.error());
  return out;
}

Result<void> ChannelReader::check_senders() const {
  const auto writes = [](const auto& peer) { return !peer.rights.writes.empty(); };
  if (std::ranges::any_of(trust_->peers(), writes)) return {};
  return fail(Errc::refused, "nobody is believed on any topic",
              "sts peer add NAME KEY --writes FILTER");
}

void ChannelReader::follow(const std::string& filter) {
  if (std::ranges::find(*filters_, filter) != filters_->end()) return;
  reader_->begin_following();
  filters_->push_back(filter);
}

void ChannelReader::unfollow(const std::string& filter) { std::erase(*filters_, filter); }

ChannelReader::ChannelReader(Options options, Clock clock, WallClock wall_clock,
                             crypto::KeyPair identity, TrustFile trust)
    : options_(std::move(options)),
      filters_(std::make_unique<std::vector<std::string>>(std::move(options_.filters))),
      clock_(std::move(clock)),
      wall_clock_(std::move(wall_clock)),
      identity_(std::make_unique<crypto::KeyPair>(std::move(identity))),
      trust_(std::make_unique<TrustFile>(std::move(trust))) {
  channel::ReaderRules rules;
  rules.may_write = [trust = trust_.get()](const crypto::PublicKey& sender,
                                           std::string_view topic) {
    const auto* peer = trust->find(sender);
    return peer != nullptr && store::may_write(*peer, topic);
  };
  rules.subscribed = [filters = filters_.get()](std::string_view topic) {
    return is_whole(*filters, topic);
  };
  reader_ = std::make_unique<channel::Reader>(*identity_, std::move(rules));
}

Result<void> ChannelReader::trust_all() {
  std::set<crypto::PublicKey> wanted;
  for (const auto& peer : trust_->peers()) {
    if (!peer.rights.writes.empty()) wanted.insert(peer.key);
  }
  for (const auto& sender : trusted_) {
    if (!wanted.contains(sender)) reader_->distrust(sender);
  }
  std::vector<crypto::PublicKey> more;
  const auto before = std::exchange(trusted_, {});
  for (const auto& sender : wanted) {
    if (const auto trusted = trust(sender); !trusted) {
      warnings_.push_back({Level::warning, fmt::format("{} is not believed: {}", name(sender),
                                                       trusted.error().message)});
      continue;
    }
    trusted_.insert(sender);
    if (!before.contains(sender)) more.push_back(sender);
  }
  return restore(more);
}

Result<void> ChannelReader::trust(const crypto::PublicKey& sender) {
  const auto* peer = trust_->find(sender);
  std::optional<crypto::Psk> psk;
  if (peer != nullptr && peer->psk) psk = peer->psk->clone();
  return reader_->trust(sender, std::move(psk));
}

std::vector<std::string> ChannelReader::key_filters() const {
  std::vector<std::string> out;
  for (const auto& sender : trusted_) {
    out.push_back(channel::key_filter(options_.key_prefix, channel::sender_id(sender)));
  }
  return out;
}

std::string ChannelReader::name(const crypto::PublicKey& sender) const {
  const auto* peer = trust_->find(sender);
  return peer != nullptr ? peer->name : crypto::to_text(sender);
}

ChannelReader::Output ChannelReader::refresh() {
  Output changed;
  if (kept_ && reader_->has_unsaved()) return changed;
  if (auto fresh = trust_->refresh(); !fresh) {
    changed.lines.push_back(error_line(fresh.error()));
  } else if (*fresh) {
    changed.more_keys = true;
    if (auto trusted = trust_all(); !trusted) changed.lines.push_back(error_line(trusted.error()));
    std::ranges::move(take_warnings(), std::back_inserter(changed.lines));
  }
  return changed;
}

ChannelReader::Output ChannelReader::on_message(const mqtt::Message& message) {
  auto out = refresh();
  const channel::Arrival arrival{message.topic, message.payload, message.retain};
  const auto sender = channel::sender_of_key_topic(options_.key_prefix, message.topic);
  if (sender) {
    reader_->take_keys(*sender, arrival, clock_(), events_);
  } else {
    reader_->take(arrival, clock_(), events_);
  }
  put_events(message, out);
  return out;
}

ChannelReader::Output ChannelReader::finish() {
  Output out;
  if (kept_) return out;
  reader_->advance(never, events_);
  put_events({}, out);
  return out;
}

ChannelReader::Output ChannelReader::advance() {
  Output out;
  reader_->advance(clock_(), events_);
  put_events({}, out);
  return out;
}

void ChannelReader::put_events(const mqtt::Message& carrier, Output& out) {
  for (auto& event : events_) {
    if (auto* delivered = std::get_if<channel::Delivered>(&event)) {
      put(std::move(*delivered), carrier, out);
    } else if (auto* will = std::get_if<channel::Will>(&event)) {
      put(std::move(*will), carrier, out);
    } else {
      put(std::get<channel::Notice>(event), out);
    }
  }
  events_.clear();
}

void ChannelReader::put(channel::Delivered delivered, const mqtt::Message& carrier, Output& out) {
  Received received;
  received.at = wall_clock_();
  received.encrypted = true;
  received.sender = name(delivered.sender);
  received.sender_fingerprint = crypto::fingerprint(delivered.sender);
  received.sender_key = delivered.sender;
  received.number = {delivered.epoch, delivered.counter};
  received.durable = delivered.durable;
  if (delivered.time) {
    received.sent =
        std::chrono::system_clock::time_point(std::chrono::milliseconds(*delivered.time));
    if (options_.max_age.count() > 0 && received.at - *received.sent > options_.max_age) {
      out.lines.push_back(
          {Level::warning,
           fmt::format(
               "{}: left out a message of {} that is {} s old", printable(delivered.topic),
               received.sender,
               std::chrono::floor<std::chrono::seconds>(received.at - *received.sent).count())});
      return;
    }
  }
  received.late = delivered.late;
  auto& message = received.message;
  message.topic = std::move(delivered.topic);
  message.payload = std::move(delivered.payload);
  message.qos = carrier.qos;
  message.retain = delivered.retained;
  message.properties.message_expiry = carrier.properties.message_expiry;
  message.properties.content_type = delivered.content_type.value_or("");
  message.properties.user_properties = std::move(delivered.user_properties);
  out.messages.push_back(std::move(received));
}

void ChannelReader::put(channel::Will will, const mqtt::Message& carrier, Output& out) {
  Received received;
  received.at = wall_clock_();
  received.encrypted = true;
  received.will = true;
  received.sender = name(will.sender);
  received.sender_fingerprint = crypto::fingerprint(will.sender);
  received.sender_key = will.sender;
  received.message = {std::move(will.topic), std::move(will.payload), carrier.qos, will.retained};
  out.lines.push_back(
      {Level::warning, fmt::format("the broker says that {}'s connection broke", received.sender)});
  out.messages.push_back(std::move(received));
}

void ChannelReader::put(const channel::Notice& notice, Output& out) {
  const bool of_gaps = notice.kind == NoticeKind::missing || notice.kind == NoticeKind::found ||
                       notice.kind == NoticeKind::key_missing ||
                       notice.kind == NoticeKind::durable_missing;
  if (of_gaps && !is_whole(*filters_, notice.topic)) return;
  out.lines.push_back(
      words(notice, notice.sender ? name(*notice.sender) : std::string(), kept_ != nullptr));
}

std::vector<ChannelReader::Report> ChannelReader::report() const {
  std::vector<Report> out;
  for (auto& counted : reader_->report()) {
    if (!is_whole(*filters_, counted.topic)) {
      counted.counts.missing = counted.counts.durable_missing = 0;
    }
    out.push_back({name(counted.sender), std::move(counted)});
  }
  return out;
}

std::string to_words(const channel::Counts& counts) {
  const auto some = [](std::uint64_t count, const char* what) {
    return count == 0 ? std::string() : fmt::format(", {} {}", count, what);
  };
  return fmt::format(
      "{} received, {} missing, {} repeated, {} reordered, {} late, {} forged, {} rolled back{}{}",
      counts.delivered, counts.missing, counts.repeated, counts.reordered, counts.late,
      counts.forged, counts.rolled_back, some(counts.resent, "resent and left out"),
      some(counts.durable_missing, "missing of its outbox"));
}

}  // namespace sts::client
