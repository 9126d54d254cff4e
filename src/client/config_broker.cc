// The keys that say how to reach the broker.
#include <fmt/format.h>

#include <algorithm>

#include "base/hex.h"
#include "base/text.h"
#include "client/config_assign.h"
#include "client/config_keys.h"
#include "client/secret_source.h"
#include "store/file.h"

namespace sts::client {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_pem = std::size_t{1} << 20U;
constexpr std::uint64_t for_ever = 0xffffffff;  // seconds (MQTT 5, section 3.1.2.11.2)

mqtt::Tls& tls(Config& config) {
  if (!config.broker.tls) config.broker.tls.emplace();
  return *config.broker.tls;
}

mqtt::Message& will(Config& config) {
  if (!config.broker.will) config.broker.will.emplace();
  return *config.broker.will;
}

mqtt::Socks5& proxy(Config& config) {
  if (!config.broker.socks5) config.broker.socks5.emplace();
  return *config.broker.socks5;
}

Result<void> set_url(Config& config, std::string_view value) {
  auto url = parse_url(value);
  if (!url) return tl::unexpected(url.error());
  auto& broker = config.broker;
  broker.host = url->host;
  if (url->tls) tls(config);
  if (url->port) broker.port = *url->port;
  config.url_port = url->port;
  if (!url->username.empty()) broker.username = url->username;
  return {};
}

Result<void> set_proxy(Config& config, std::string_view value) {
  auto url = parse_proxy(value);
  if (!url) return tl::unexpected(url.error());
  auto& to = proxy(config);
  to.host = url->host;
  to.port = url->port.value_or(1080);
  to.username = url->username;
  return {};
}

Result<void> set_key(Config& config, const fs::path& path) {
  auto file = store::read_file(path, largest_pem);
  if (!file) return tl::unexpected(file.error());
  if (!*file) return fail(Errc::bad_input, fmt::format("there is no file {}", path.string()));
  if (auto safe = store::check_private(path, **file); !safe) return safe;
  return assign_text(tls(config).key, store::view((*file)->text));
}

Result<void> set_psk(Config& config, std::string_view source) {
  auto text = read_secret(source, "TLS pre-shared key, in hex");
  if (!text) return tl::unexpected(text.error());
  auto bytes = from_hex(*text);
  if (!bytes) return fail(Errc::bad_input, "the pre-shared key is not in hex");
  tls(config).psk = std::move(*bytes);
  return {};
}

Result<void> set_alpn(Config& config, std::string_view value) {
  while (!value.empty()) {
    const auto comma = value.find(',');
    tls(config).alpn.emplace_back(trim(value.substr(0, comma)));
    value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
  }
  return {};
}

using C = Config;
using V = std::string_view;
using D = fs::path;
constexpr ConfigKey of_broker[] = {
    {"url", any_protocol, [](C& c, V v, const D&) { return set_url(c, v); }},
    {"port", any_protocol,
     [](C& c, V v, const D&) {
       return parse_number(v, 1, 65535).map([&](std::uint64_t n) {
         c.port = static_cast<std::uint16_t>(n);
       });
     }},
    {"username", any_protocol,
     [](C& c, V v, const D&) { return assign_text(c.broker.username, v); }},
    {"password", any_protocol,
     [](C& c, V v, const D&) { return assign_text(c.broker.password, v); }},
    {"password_from", any_protocol,
     [](C& c, V v, const D&) { return assign(c.broker.password, read_secret(v, "password")); }},
    {"clientid", any_protocol,
     [](C& c, V v, const D&) { return assign_text(c.broker.client_id, v); }},
    // libmosquitto takes nothing shorter than 5 s; MQTT has 16 bits for it.
    {"keepalive", any_protocol,
     [](C& c, V v, const D&) { return assign_seconds(c.broker.keep_alive, v, 5, 65535); }},
    {"mqtt_version", any_protocol,
     [](C& c, V v, const D&) {
       using mqtt::Version;
       c.broker.exact_version = true;
       return assign(c.broker.version,
                     parse_word<Version>(
                         v, {{"5", Version::v5},
                             {"3.1.1", Version::v3_1_1},
                             {"4", Version::v3_1_1},  // as the packets have it, and older files
                             {"mqttv5", Version::v5},
                             {"311", Version::v3_1_1},
                             {"mqttv311", Version::v3_1_1}}));
     }},
    {"clean_start", any_protocol,
     [](C& c, V v, const D&) { return assign_switch(c.broker.clean_start, v); }},
    {"session_expiry", any_protocol,
     [](C& c, V v, const D&) { return assign_seconds(c.broker.session_expiry, v, 0, for_ever); }},
    {"retry", any_protocol, [](C& c, V v, const D&) { return assign_switch(c.retry, v); }},
    {"bind", any_protocol,
     [](C& c, V v, const D&) { return assign(c.broker.bind_address, parse_host(v)); }},
    {"srv", any_protocol, [](C& c, V v, const D&) { return assign_switch(c.broker.srv, v); }},
    {"dns", any_protocol, [](C& c, V v, const D&) { return assign_text(c.broker.dns_server, v); }},
    {"proxy", any_protocol, [](C& c, V v, const D&) { return set_proxy(c, v); }},
    {"proxy_password_from", any_protocol,
     [](C& c, V v, const D&) {
       return assign(proxy(c).password, read_secret(v, "password of the proxy"));
     }},
    {"tls", any_protocol,
     [](C& c, V v, const D&) {
       bool on = false;
       return assign_switch(on, v).map([&] {
         if (on) tls(c);
       });
     }},
    {"cafile", any_protocol,
     [](C& c, V v, const D& d) { return assign_text(tls(c).ca_file, (d / v).string()); }},
    {"capath", any_protocol,
     [](C& c, V v, const D& d) { return assign_text(tls(c).ca_path, (d / v).string()); }},
    {"cert", any_protocol,
     [](C& c, V v, const D& d) { return assign_text(tls(c).certificate_file, (d / v).string()); }},
    {"key", any_protocol, [](C& c, V v, const D& d) { return set_key(c, d / v); }},
    {"keypass_from", any_protocol,
     [](C& c, V v, const D&) {
       return assign(tls(c).key_passphrase, read_secret(v, "passphrase of the key"));
     }},
    {"tls_name", any_protocol,
     [](C& c, V v, const D&) { return assign(tls(c).server_name, parse_host(v)); }},
    {"tls_alpn", any_protocol, [](C& c, V v, const D&) { return set_alpn(c, v); }},
    {"tls_psk_identity", any_protocol,
     [](C& c, V v, const D&) { return assign_text(tls(c).psk_identity, v); }},
    {"tls_psk_from", any_protocol, [](C& c, V v, const D&) { return set_psk(c, v); }},
    {"insecure", any_protocol,
     [](C& c, V v, const D&) { return assign_switch(tls(c).insecure, v); }},
    {"will_topic", any_protocol,
     [](C& c, V v, const D&) { return assign(will(c).topic, parse_topic(v, TopicKind::name)); }},
    {"will_message", any_protocol,
     [](C& c, V v, const D&) {
       will(c).payload = to_bytes(as_bytes(v));
       return Result<void>();
     }},
    {"will_qos", any_protocol,
     [](C& c, V v, const D&) {
       return parse_number(v, 0, 2).map(
           [&](std::uint64_t n) { will(c).qos = static_cast<mqtt::Qos>(n); });
     }},
    {"will_retain", any_protocol,
     [](C& c, V v, const D&) { return assign_switch(will(c).retain, v); }},
    {"will_delay", any_protocol,
     [](C& c, V v, const D&) { return assign_seconds(c.broker.will_delay, v, 0, for_ever); }},
};

}  // namespace

std::span<const ConfigKey> broker_keys() { return of_broker; }

Result<void> complete_broker(Config& config) {
  auto& broker = config.broker;
  const bool local = broker.port == 0 && config.url_port;  // unix://
  if (config.port) {
    broker.port = *config.port;
  } else if (!config.url_port) {
    broker.port = broker.tls ? 8883 : 1883;
  }
  if (!broker.password.empty() && broker.username.empty()) {
    return fail(Errc::bad_input, "a password without a user name", "set username too");
  }
  if (broker.will && broker.will->topic.empty() && config.mode == Mode::nosec) {
    return fail(Errc::bad_input, "a will without a topic", "set will_topic");
  }
  if (broker.socks5 && broker.socks5->host.empty()) {
    return fail(Errc::bad_input, "a password for a proxy, and no proxy", "set proxy");
  }
  if (local && (broker.srv || broker.socks5 || config.port)) {
    return fail(Errc::bad_input, "a Unix socket has no port, no SRV records and no proxy",
                "set one or the other");
  }
  if (!broker.tls) return {};
  const auto& tls = *broker.tls;
  if (tls.psk_identity.empty() != tls.psk.empty()) {
    return fail(Errc::bad_input, "TLS with a pre-shared key needs the key and an identity",
                "set tls_psk_identity and tls_psk_from");
  }
  if (tls.certificate_file.empty() != tls.key.empty()) {
    return fail(Errc::bad_input, "a client certificate needs its private key, and the other way",
                "set cert and key");
  }
  if (tls.insecure) {
    config.warnings.emplace_back(
        "insecure: any certificate is taken, so whoever is on the way can be the broker");
  }
  return {};
}

}  // namespace sts::client
