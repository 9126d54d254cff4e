#include "client/config_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/text.h"
#include "client/config_assign.h"
#include "client/config_values.h"
#include "store/key_file.h"
#include "store/peers.h"

namespace sts::client {
namespace {

namespace fs = std::filesystem;

Result<void> assign_name(std::string& to, std::string_view value) {
  if (!store::valid_peer_name(value)) {
    return fail(Errc::bad_input, fmt::format("'{}' is not a valid name", value),
                "1 to 64 letters, digits, '.', '_' and '-'");
  }
  return assign_text(to, value);
}

Result<void> read_psk_file(Config& config, const fs::path& path) {
  auto key = store::read_key_file(path);
  if (!key) return tl::unexpected(key.error());
  if (!*key) {
    return fail(Errc::bad_input, fmt::format("there is no file {}", path.string()),
                "the path counts from the directory of the config");
  }
  return assign(config.psk, store::to_psk(std::move(**key)));
}

Result<void> add_channel(Config& config, std::string_view value) {
  auto filter = parse_topic(value, TopicKind::filter);
  if (!filter) return tl::unexpected(filter.error());
  if (std::ranges::find(config.channels, *filter) != config.channels.end()) {
    return fail(Errc::bad_input, fmt::format("'{}' is read already", *filter),
                "name each filter once");
  }
  config.channels.push_back(std::move(*filter));
  return {};
}

/// "NAME FILTER".
Result<void> add_right(Config& config, std::string_view value,
                       std::vector<std::string> store::Rights::*list) {
  const auto blank = value.find_first_of(" \t");
  if (blank == std::string_view::npos) {
    return fail(Errc::bad_input, fmt::format("no filter behind '{}'", value),
                "the name of a peer, a blank and a topic filter");
  }
  std::string name;
  if (auto assigned = assign_name(name, value.substr(0, blank)); !assigned) return assigned;
  auto filter = parse_topic(trim(value.substr(blank)), TopicKind::filter);
  if (!filter) return tl::unexpected(filter.error());
  (config.rights[name].*list).push_back(std::move(*filter));
  return {};
}

using C = Config;
using V = std::string_view;
using D = fs::path;
constexpr auto all = any_protocol, sts1 = static_cast<unsigned>(Protocol::sts1),
               session = static_cast<unsigned>(Protocol::session),
               channels = static_cast<unsigned>(Protocol::channel);

constexpr ConfigKey keys[] = {
    {"name", all, [](C& c, V v, const D&) { return assign_name(c.name, v); }},
    {"subtop", all - channels,
     [](C& c, V v, const D&) { return assign(c.subtop, parse_topic(v, TopicKind::filter)); }},
    {"pubtop", all,
     [](C& c, V v, const D&) { return assign(c.pubtop, parse_topic(v, TopicKind::name)); }},
    {"sts_mode", all,
     [](C& c, V v, const D&) {
       c.mode_given = true;
       return assign(c.mode, parse_word<Mode>(v, {{"nosec", Mode::nosec},
                                                  {"master", Mode::initiator},
                                                  {"slave", Mode::responder},
                                                  {"initiator", Mode::initiator},
                                                  {"responder", Mode::responder},
                                                  {"channel", Mode::channel}}));
     }},
    {"aes", all,
     [](C& c, V v, const D&) {
       return assign(
           c.aes, parse_word<Aes>(v, {{"null", Aes::null}, {"ecb", Aes::ecb}, {"cbc", Aes::cbc}}));
     }},
    {"qos", all,
     [](C& c, V v, const D&) {
       return parse_number(v, 0, 2).map(
           [&](std::uint64_t n) { c.qos = static_cast<mqtt::Qos>(n); });
     }},
    {"timeout", all, [](C& c, V v, const D&) { return assign_seconds(c.timeout, v, 1, 86400); }},
    {"curve", sts1,
     [](C& c, V v, const D&) {
       return assign(c.curve, parse_word<Curve>(
                                  v, {{"secp256k1", Curve::secp256k1}, {"x25519", Curve::x25519}}));
     }},
    {"peer", session, [](C& c, V v, const D&) { return assign(c.peers, parse_peers(v)); }},
    {"psk", session, [](C& c, V v, const D&) { return assign(c.psk, parse_psk(v)); }},
    {"psk_file", session, [](C& c, V v, const D& d) { return read_psk_file(c, d / v); }},
    {"bind_subtop", session,
     [](C& c, V v, const D&) { return assign(c.bind_subtop, parse_topic(v, TopicKind::name)); }},
    {"bind_pubtop", session,
     [](C& c, V v, const D&) { return assign(c.bind_pubtop, parse_topic(v, TopicKind::name)); }},
    {"heartbeat", session + channels,
     [](C& c, V v, const D&) { return assign_seconds(c.heartbeat, v, 0, 86400); }},
    // Sooner than the protocol's own limits is safe; later would not be.
    {"rekey_after_messages", session,
     [](C& c, V v, const D&) {
       return assign(c.rekey_after_messages, parse_number(v, 1, std::uint64_t{1} << 20U));
     }},
    {"rekey_after_time", session,
     [](C& c, V v, const D&) { return assign_seconds(c.rekey_after_time, v, 1, 3600); }},
    {"pad", session + channels,
     [](C& c, V v, const D&) {
       return assign(
           c.pad,
           parse_word<Pad>(v, {{"none", Pad::none}, {"16", Pad::to_16}, {"padme", Pad::padme}}));
     }},
    {"channel", channels, [](C& c, V v, const D&) { return add_channel(c, v); }, true},
    {"reads", channels, [](C& c, V v, const D&) { return add_right(c, v, &store::Rights::reads); },
     true},
    {"writes", channels,
     [](C& c, V v, const D&) { return add_right(c, v, &store::Rights::writes); }, true},
    {"sign", channels, [](C& c, V v, const D&) { return assign_switch(c.sign, v); }},
    {"key_prefix", channels,
     [](C& c, V v, const D&) { return assign(c.key_prefix, parse_topic(v, TopicKind::name)); }},
    {"durable", session + channels,
     [](C& c, V v, const D&) { return assign_switch(c.durable, v); }},
    {"durable_sync", session + channels,
     [](C& c, V v, const D&) {
       using Sync = store::OutboxOptions::Sync;
       return assign(c.outbox.sync,
                     parse_word<Sync>(v, {{"full", Sync::full}, {"normal", Sync::normal}}));
     }},
    {"outbox_bytes", session + channels,
     [](C& c, V v, const D&) {
       return assign(c.outbox.bytes, parse_number(v, 1, std::uint64_t{1} << 50U));
     }},
    {"outbox_messages", session + channels,
     [](C& c, V v, const D&) {
       return assign(c.outbox.messages, parse_number(v, 1, std::uint64_t{1} << 40U));
     }},
    {"outbox_age", session + channels,
     [](C& c, V v, const D&) {
       return parse_number(v, 0, 1'000'000'000).map([&](std::uint64_t n) {
         c.outbox.age_ms = n * 1000;
       });
     }},
    {"outbox_full", session + channels,
     [](C& c, V v, const D&) {
       using Full = store::OutboxOptions::Full;
       return assign(c.outbox.when_full, parse_word<Full>(v, {{"block", Full::block},
                                                              {"drop-oldest", Full::drop_oldest},
                                                              {"drop-new", Full::drop_new}}));
     }},
};

}  // namespace

Protocol protocol_of(const Config& config) {
  if (config.mode == Mode::nosec) return Protocol::none;
  if (config.mode == Mode::channel) return Protocol::channel;
  return config.aes == Aes::null ? Protocol::session : Protocol::sts1;
}

std::span<const ConfigKey> session_keys() { return keys; }

const ConfigKey* find_key(std::string_view name) {
  for (const std::span<const ConfigKey> table : {session_keys(), broker_keys()}) {
    const auto key = std::ranges::find(table, name, &ConfigKey::name);
    if (key != table.end()) return &*key;
  }
  return nullptr;
}

std::string unknown_key_hint(std::string_view name) {
  if (name == "ip") return "older files wrote 'ip' for what is 'url' now";
  for (const std::string_view old :
       {"version", "clean_session", "is_retained", "id_master", "id_slave", "encryption"}) {
    if (name == old) return "a key of older files that is not needed any more: delete the line";
  }
  std::string_view nearest;
  std::size_t distance = 3;
  for (const std::span<const ConfigKey> table : {session_keys(), broker_keys()}) {
    for (const auto& key : table) {
      const auto there = edit_distance(name, key.name);
      if (there >= distance) continue;
      distance = there;
      nearest = key.name;
    }
  }
  if (!nearest.empty() && name.size() > 2) return fmt::format("did you mean '{}'?", nearest);
  return "sts.conf(5) lists the keys";
}

}  // namespace sts::client
