#include "shell/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/topic.h"

namespace sts::shell {
namespace {

std::string shown(const std::string& topic) {
  const bool clear =
      topic.find('/') != std::string::npos && topic.find_first_of(" :\"") == std::string::npos;
  return clear ? topic : '"' + topic + '"';
}

}  // namespace

Session::Session(const client::Config& config, SessionOwner& owner, const MakeClient& make_client)
    : name_(config.name),
      subtop_(config.subtop),
      mode_(config.mode),
      qos_(qos_of(config)),
      owner_(owner),
      client_(make_client(*this)) {
  // A shared subscription selects by what stands behind $share/GROUP/.
  if (!subtop_.starts_with("$share/")) return;
  const auto slash = subtop_.find('/', std::string_view("$share/").size());
  subtop_.erase(0, std::min(slash, subtop_.size() - 1) + 1);
}

bool Session::starting() const {
  const auto state = client_->state();
  return !was_up_ && (state == client::State::connecting || state == client::State::waiting);
}

Result<void> Session::subscribe(mqtt::Subscription subscription) {
  auto asked = client_->subscribe(std::move(subscription));
  if (asked) ++awaited_;
  return asked;
}

Result<void> Session::unsubscribe(const std::string& filter) {
  auto asked = client_->unsubscribe(filter);
  if (asked) ++awaited_;
  return asked;
}

void Session::on_state(client::State state, const std::optional<Error>& failed) {
  was_up_ = was_up_ || state == client::State::up;
  owner_.on_state(*this, state, failed);
}

void Session::on_subscribed(const std::string& filter, const Result<mqtt::Qos>& granted) {
  if (!granted) {
    Error why = granted.error();
    if (why.hint.empty()) why.hint = "check the topic, and what the broker allows this user";
    return answered(&why);
  }
  on_log({client::Level::info,
          fmt::format("subscribed to '{}' with QoS {}", filter, static_cast<int>(*granted))});
  answered(nullptr);
}

void Session::on_unsubscribed(const std::string& filter, const Result<void>& outcome) {
  if (!outcome) return answered(&outcome.error());
  on_log({client::Level::info, fmt::format("unsubscribed from '{}'", filter)});
  answered(nullptr);
}

void Session::answered(const Error* failed) {
  if (failed != nullptr) {
    on_log(client::error_line(*failed));
    owner_.on_failed();
  }
  awaited_ = std::max(awaited_ - 1, 0);
  owner_.on_answer();
}

std::string Session::label(const client::Received& received) const {
  const auto& topic = received.message.topic;
  if (mode_ == client::Mode::channel) {
    const char* stale = received.will ? "(will)" : received.message.retain ? "(retained)" : "";
    return fmt::format("{}{} {}", received.sender, stale, shown(topic));
  }
  if (mode_ != client::Mode::nosec) return received.one_of_many ? received.sender : std::string();
  if (!subtop_.empty() && topic_matches(subtop_, topic)) return {};
  return shown(topic);
}

}  // namespace sts::shell
