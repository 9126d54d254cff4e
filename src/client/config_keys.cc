#include "client/config_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/config_values.h"
#include "store/key_file.h"
#include "store/peers.h"

namespace sts::client {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

/// Stores what a parser gave, or hands its error on.
template <typename To, typename T>
Result<void> assign(To& to, Result<T> value) {
  if (!value) return tl::unexpected(value.error());
  to = std::move(*value);
  return {};
}

template <typename To>
Result<void> assign_seconds(To& to, std::string_view value, std::uint64_t least,
                            std::uint64_t most) {
  return parse_number(value, least, most).map([&](std::uint64_t n) { to = seconds(n); });
}

Result<void> assign_text(std::string& to, std::string_view value) {
  to = value;
  return {};
}

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

using C = Config;
using V = std::string_view;
using D = fs::path;
constexpr auto all = Protocol::none, sts1 = Protocol::sts1, sts2 = Protocol::sts2;

constexpr ConfigKey keys[] = {
    {"name", all, [](C& c, V v, const D&) { return assign_name(c.name, v); }},
    {"url", all, [](C& c, V v, const D&) { return assign(c.url, parse_host(v)); }},
    {"port", all,
     [](C& c, V v, const D&) {
       return parse_number(v, 1, 65535).map([&](std::uint64_t n) {
         c.port = static_cast<std::uint16_t>(n);
       });
     }},
    {"username", all, [](C& c, V v, const D&) { return assign_text(c.username, v); }},
    {"password", all, [](C& c, V v, const D&) { return assign_text(c.password, v); }},
    {"clientid", all, [](C& c, V v, const D&) { return assign_text(c.clientid, v); }},
    {"subtop", all,
     [](C& c, V v, const D&) { return assign(c.subtop, parse_topic(v, TopicKind::filter)); }},
    {"pubtop", all,
     [](C& c, V v, const D&) { return assign(c.pubtop, parse_topic(v, TopicKind::name)); }},
    {"sts_mode", all,
     [](C& c, V v, const D&) {
       return assign(c.mode, parse_word<Mode>(v, {{"nosec", Mode::nosec},
                                                  {"master", Mode::initiator},
                                                  {"slave", Mode::responder},
                                                  {"initiator", Mode::initiator},
                                                  {"responder", Mode::responder}}));
     }},
    {"aes", all,
     [](C& c, V v, const D&) {
       return assign(
           c.aes, parse_word<Aes>(v, {{"null", Aes::null}, {"ecb", Aes::ecb}, {"cbc", Aes::cbc}}));
     }},
    {"timeout", all, [](C& c, V v, const D&) { return assign_seconds(c.timeout, v, 1, 86400); }},
    // libmosquitto takes nothing shorter than 5 s; MQTT has 16 bits for it.
    {"keepalive", all,
     [](C& c, V v, const D&) { return assign_seconds(c.keep_alive, v, 5, 65535); }},
    {"curve", sts1,
     [](C& c, V v, const D&) {
       return assign(c.curve, parse_word<Curve>(
                                  v, {{"secp256k1", Curve::secp256k1}, {"x25519", Curve::x25519}}));
     }},
    {"peer", sts2, [](C& c, V v, const D&) { return assign(c.peers, parse_peers(v)); }},
    {"psk", sts2, [](C& c, V v, const D&) { return assign(c.psk, parse_psk(v)); }},
    {"psk_file", sts2, [](C& c, V v, const D& d) { return read_psk_file(c, d / v); }},
    {"bind_subtop", sts2,
     [](C& c, V v, const D&) { return assign(c.bind_subtop, parse_topic(v, TopicKind::name)); }},
    {"bind_pubtop", sts2,
     [](C& c, V v, const D&) { return assign(c.bind_pubtop, parse_topic(v, TopicKind::name)); }},
    {"heartbeat", sts2,
     [](C& c, V v, const D&) { return assign_seconds(c.heartbeat, v, 0, 86400); }},
    // Sooner than the protocol's own limits is safe; later would not be.
    {"rekey_after_messages", sts2,
     [](C& c, V v, const D&) {
       return assign(c.rekey_after_messages, parse_number(v, 1, std::uint64_t{1} << 20U));
     }},
    {"rekey_after_time", sts2,
     [](C& c, V v, const D&) { return assign_seconds(c.rekey_after_time, v, 1, 3600); }},
    {"pad", sts2,
     [](C& c, V v, const D&) {
       return assign(
           c.pad,
           parse_word<Pad>(v, {{"none", Pad::none}, {"16", Pad::to_16}, {"padme", Pad::padme}}));
     }},
};

}  // namespace

Protocol protocol_of(const Config& config) {
  if (config.mode == Mode::nosec) return Protocol::none;
  return config.aes == Aes::null ? Protocol::sts2 : Protocol::sts1;
}

const ConfigKey* find_key(std::string_view name) {
  const auto* key = std::find_if(std::begin(keys), std::end(keys), [&](const ConfigKey& candidate) {
    return candidate.name == name;
  });
  return key == std::end(keys) ? nullptr : key;
}

std::string unknown_key_hint(std::string_view name) {
  if (name == "ip") return "older files wrote 'ip' for what is 'url' now";
  for (const std::string_view old : {"qos", "mqtt_version", "version", "clean_session",
                                     "is_retained", "id_master", "id_slave", "encryption"}) {
    if (name == old) return "a key of older files that is not needed any more: delete the line";
  }
  const auto nearest = std::min_element(std::begin(keys), std::end(keys), [&](auto& a, auto& b) {
    return edit_distance(name, a.name) < edit_distance(name, b.name);
  });
  if (edit_distance(name, nearest->name) <= 2 && name.size() > 2) {
    return fmt::format("did you mean '{}'?", nearest->name);
  }
  return "sts.conf(5) lists the keys";
}

}  // namespace sts::client
