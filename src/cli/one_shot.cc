#include "cli/one_shot.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/config_values.h"

namespace sts::cli {
namespace {

using client::Mode;

constexpr auto reader_group = "Who may read it";

}  // namespace

void OneShotFlags::add_to(CLI::App& app) {
  app.add_option("-q,--qos", qos_, "quality of service (1; in the clear 0)")
      ->check(CLI::Range(0, 2));
  auto* plain = app.add_flag("--plain", plain_, "in the clear: the broker and all others can read")
                    ->group(reader_group);
  app.add_option("--peer", peers_, "in a session with a peer: its name, key or first-use")
      ->group(reader_group)
      ->excludes(plain);
  app.add_option("--return-topic", return_topic_,
                 "topic for what goes back in the session (TOPIC/return)")
      ->group(reader_group);
  connection_.add_to(app);
}

Result<client::Config> OneShotFlags::config(const std::vector<std::string>& topics) const {
  client::Config defaults;
  defaults.broker.session_expiry = session_expiry_;
  if (!peers_.empty()) defaults.mode = mode_;
  auto config = connection_.config(std::move(defaults));
  if (!config) return config;
  if (auto chosen = choose_mode(*config, topics); !chosen) return tl::unexpected(chosen.error());
  if (qos_) config->qos = static_cast<mqtt::Qos>(*qos_);
  if (!config->qos && way(*config) == Way::plain) config->qos = mqtt::Qos::at_most_once;
  return config;
}

Way OneShotFlags::way(const client::Config& config) const {
  if (config.mode == Mode::channel) return Way::channel;
  if (config.mode != Mode::nosec) return Way::session;
  return plain_ || config.mode_given ? Way::plain : Way::channel;
}

Result<void> OneShotFlags::choose_mode(client::Config& config,
                                       const std::vector<std::string>& topics) const {
  if (!return_topic_.empty() && peers_.empty()) {
    return fail(Errc::bad_input, "--return-topic is for a session", "add --peer, or leave it out");
  }
  if (plain_ || (config.mode_given && config.mode == Mode::nosec)) {
    config.mode = Mode::nosec;
    return {};
  }
  if (config.mode != Mode::nosec && config.mode != Mode::channel && peers_.empty()) {
    config.stays = mode_ == Mode::responder;
    if (topics.empty()) return {};
    return fail(Errc::bad_input, "the config's session has its own topics", "leave -t out");
  }
  if (peers_.empty()) return {};
  return make_session(config, topics);
}

Result<void> OneShotFlags::make_session(client::Config& config,
                                        const std::vector<std::string>& topics) const {
  if (topics.size() != 1) {
    return fail(Errc::bad_input, "a session has one topic", "-t TOPIC once");
  }
  const bool initiator = mode_ == Mode::initiator;
  if (initiator && peers_.size() > 1) {
    return fail(Errc::bad_input, "more than one peer: what is sent goes to one", "--peer once");
  }
  auto topic = client::parse_topic(topics[0], client::TopicKind::name);
  if (!topic) {
    return fail(Errc::bad_input,
                fmt::format("a session needs one topic: {}", topic.error().message),
                "name it without wildcards");
  }
  const std::string back = return_topic_.empty() ? *topic + "/return" : return_topic_;
  auto peers = client::parse_peers(fmt::format("{}", fmt::join(peers_, ", ")));
  if (!peers) {
    return fail(Errc::bad_input, "--peer: " + peers.error().message, peers.error().hint);
  }
  config.mode = mode_;
  config.peers = std::move(*peers);
  config.peer_line = "--peer";
  config.pubtop = config.bind_pubtop = initiator ? *topic : back;
  config.subtop = config.bind_subtop = initiator ? back : *topic;
  if (config.name.empty()) {  // a first-use pin is stored under it
    config.name = *topic;
    std::ranges::replace(config.name, '/', '-');
  }
  config.stays = !initiator;
  // Streams make up for what a connection loses; what the broker kept would be for old keys.
  config.broker.session_expiry = {};
  return {};
}

}  // namespace sts::cli
