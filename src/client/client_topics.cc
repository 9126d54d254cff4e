// Topics besides the config's own, in the clear and on channels.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "client/client.h"
#include "client/config_values.h"

namespace sts::client {

Result<void> Client::publish_on(const mqtt::Message& message) {
  if (auto accepted = accepts(); !accepted) return accepted;
  if (auto topic = parse_topic(message.topic, TopicKind::name); !topic) {
    return tl::unexpected<Error>(topic.error());
  }
  return count_sent(conversation_->publish(message, clock_()));
}

Result<void> Client::may_change_topics() const {
  if (auto accepted = accepts(); !accepted) return accepted;
  if (!uplink_.online()) {
    return fail(Errc::refused, "not connected to the broker", "wait for \"connected to\"");
  }
  return {};
}

Result<void> Client::subscribe(mqtt::Subscription subscription) {
  if (auto may = may_change_topics(); !may) return may;
  if (auto topic = parse_topic(subscription.filter, TopicKind::filter); !topic) {
    return tl::unexpected<Error>(topic.error());
  }
  if (auto followed = conversation_->follow(subscription); !followed) return followed;
  subscribing_.insert(subscription.filter);
  uplink_.subscribe(std::move(subscription));
  return {};
}

Result<void> Client::unsubscribe(const std::string& filter) {
  if (auto may = may_change_topics(); !may) return may;
  const auto followed = topics();
  if (std::ranges::find(followed, filter, &Topic::filter) == followed.end()) {
    return fail(Errc::bad_input, fmt::format("'{}' is not subscribed to", filter),
                "'topics' lists what is");
  }
  if (auto unfollowed = conversation_->unfollow(filter); !unfollowed) return unfollowed;
  unsubscribing_.insert(filter);
  uplink_.unsubscribe(filter);
  return {};
}

std::vector<Topic> Client::topics() const {
  std::vector<Topic> out;
  for (const auto& subscription : uplink_.subscriptions()) {
    if (!conversation_->follows(subscription.filter)) continue;
    const auto granted = granted_.find(subscription.filter);
    out.push_back({subscription.filter, subscription.qos,
                   granted == granted_.end() ? std::nullopt : std::optional(granted->second)});
  }
  return out;
}

Result<TopicRights> Client::rights(const std::string& topic) const {
  if (auto accepted = accepts(); !accepted) return tl::unexpected(accepted.error());
  return parse_topic(topic, TopicKind::name).and_then([&](const auto& name) {
    return conversation_->rights(name);
  });
}

void Client::on_subscribed(const std::string& filter, const Result<mqtt::Qos>& granted) {
  if (granted) {
    granted_[filter] = *granted;
  } else {
    granted_.erase(filter);
    (void)conversation_->unfollow(filter);
  }
  conversation_->listening(filter, granted);
  if (subscribing_.erase(filter) > 0 || !granted) observer_.on_subscribed(filter, granted);
}

void Client::on_unsubscribed(const std::string& filter, const Result<void>& outcome) {
  granted_.erase(filter);
  conversation_->unlistened(filter);
  if (unsubscribing_.erase(filter) > 0) observer_.on_unsubscribed(filter, outcome);
}

/// The connection was lost with the answers to these.
void Client::give_up_topics() {
  const auto lost = [](const std::string& filter) {
    return fail(Errc::io,
                fmt::format("the connection was lost before the broker answered for '{}'", filter),
                "do it again once it is back");
  };
  for (const auto& filter : std::exchange(subscribing_, {})) {
    uplink_.unsubscribe(filter);
    (void)conversation_->unfollow(filter);
    observer_.on_subscribed(filter, lost(filter));
  }
  for (const auto& filter : std::exchange(unsubscribing_, {})) {
    observer_.on_unsubscribed(filter, lost(filter));
  }
}

}  // namespace sts::client
