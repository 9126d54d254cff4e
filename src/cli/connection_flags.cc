#include "cli/connection_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "base/hex.h"
#include "client/config_keys.h"
#include "client/config_values.h"
#include "crypto/random.h"
#include "store/home.h"

namespace sts::cli {
namespace {

constexpr auto broker_group = "How to reach the broker";

struct Flag {
  const char* flags;
  const char* key;  // of sts.conf(5)
  const char* help;
};

constexpr Flag valued[] = {
    {"-h,--host", "url", "name, address or URL of the broker (localhost)"},
    {"-p,--port", "port", "port (1883, with TLS 8883)"},
    {"-u,--username", "username", "user name"},
    {"--password-from", "password_from", "file:PATH, fd:N, env:NAME, cred:NAME or prompt"},
    {"-i,--id", "clientid", "client id (made up)"},
    {"-k,--keepalive", "keepalive", "seconds (60)"},
    {"-V,--protocol-version", "mqtt_version", "5 or 3.1.1, and no other (5, else 3.1.1)"},
    {"-x,--session-expiry", "session_expiry", "seconds the broker keeps the session (300)"},
    {"--cafile", "cafile", "PEM file of the CAs to trust; turns TLS on"},
    {"--capath", "capath", "directory of them"},
    {"--cert", "cert", "certificate of this client, PEM"},
    {"--key", "key", "its private key, PEM"},
    {"--keypass-from", "keypass_from", "where the key's passphrase is"},
    {"--tls-name", "tls_name", "name in the broker's certificate, where it isn't the host's"},
    {"--tls-alpn", "tls_alpn", "protocols, separated by commas"},
    {"--psk-identity", "tls_psk_identity", "for TLS with a pre-shared key"},
    {"--psk-from", "tls_psk_from", "where that key is, in hex"},
    {"--proxy", "proxy", "SOCKS5: [socks5h://][USER@]HOST[:PORT]"},
    {"--proxy-password-from", "proxy_password_from", "where its password is"},
    {"-A,--bind", "bind", "address of this machine to connect from"},
    {"--dns", "dns", "ADDRESS[:PORT] of the name server to ask for SRV"},
    {"--will-topic", "will_topic", "topic of the message that the broker sends if we vanish"},
    {"--will-payload", "will_message", "its payload"},
    {"--will-qos", "will_qos", "its QoS"},
};

constexpr Flag switches[] = {
    {"-c,--disable-clean-session", "clean_start", "go on with the broker's session of this id"},
    {"-S,--srv", "srv", "the host is a domain whose SRV records name the brokers"},
    {"--tls", "tls", "TLS, with the system's CAs unless others are given"},
    {"--tls-use-os-certs", "tls", "the same, as mosquitto_pub calls it"},
    {"--insecure", "insecure", "take any certificate: whoever answers may be the broker"},
    {"--will-retain", "will_retain", "the broker keeps the will"},
    {"--retry", "retry", "try again also if the first connection fails"},
};

/// What a switch sets its key to.
const char* on(std::string_view key) { return key == "clean_start" ? "no" : "yes"; }

}  // namespace

void ConnectionFlags::add_to(CLI::App& app) {
  app.set_help_flag("--help", "what you read");
  for (const auto& flag : valued) {
    add(app, flag.flags, flag.key, flag.help);
  }
  for (const auto& flag : switches) {
    app.add_flag_callback(
           flag.flags, [this, &flag] { set(flag.flags, flag.key, on(flag.key)); }, flag.help)
        ->group(broker_group);
  }
  app.add_option_function<std::string>(
         "-P,--pw",
         [this](const std::string& value) {
           literal_password_ = true;
           set("-P", "password", value);
         },
         "password; others can see it while sts starts: better --password-from")
      ->group(broker_group);
  add_url(app);
  auto* file = app.add_option("--config", file_, "a config file: sts.conf(5)")->group(broker_group);
  app.add_option("--profile", profile_, "the config STS_HOME/profiles/NAME")
      ->group(broker_group)
      ->excludes(file);
}

void ConnectionFlags::add(CLI::App& app, const std::string& flags, const std::string& key,
                          const std::string& help) {
  app.add_option_function<std::string>(
         flags, [this, flags, key](const std::string& value) { set(flags, key, value); }, help)
      ->group(broker_group);
}

/// mosquitto's -L has the topic behind the broker.
void ConnectionFlags::add_url(CLI::App& app) {
  app.add_option_function<std::string>(
         "-L,--url",
         [this](std::string value) {
           const auto scheme = value.find("://");
           const auto slash = scheme == std::string::npos ? scheme : value.find('/', scheme + 3);
           if (slash != std::string::npos && !value.starts_with("unix://")) {
             url_topic_ = value.substr(slash + 1);
             value.resize(slash);
           }
           set("-L", "url", value);
         },
         "mqtt[s]://[USER@]HOST[:PORT]/TOPIC")
      ->group(broker_group);
}

void ConnectionFlags::set(const std::string& flag, const std::string& key,
                          const std::string& value) {
  settings_.push_back({flag, key, value});
}

bool ConnectionFlags::names_broker() const {
  return !file_.empty() || !profile_.empty() ||
         std::ranges::any_of(settings_, [](const auto& it) { return it.key == "url"; });
}

Result<client::Config> ConnectionFlags::config(client::Config defaults) const {
  client::Config config = std::move(defaults);
  std::string file = file_;
  if (!profile_.empty()) {
    auto home = store::Home::from_environment();
    if (!home) return tl::unexpected(home.error());
    file = home->directory() / "profiles" / profile_;
  }
  if (!file.empty()) {
    auto loaded = client::load_profile(file, std::move(config));
    if (!loaded) return tl::unexpected(loaded.error());
    config = std::move(*loaded);
  }
  for (const auto& [flag, key, value] : settings_) {
    if (auto set = client::find_key(key)->set(config, value, {}); !set) {
      return fail(set.error().code, fmt::format("{}: {}", flag, set.error().message),
                  set.error().hint);
    }
  }
  if (literal_password_) {
    config.warnings.emplace_back(
        "-P: other users could read the password while sts started; --password-from hides it");
  }
  if (auto complete = client::complete_broker(config); !complete) {
    return tl::unexpected(complete.error());
  }
  return config;
}

Result<std::string> ConnectionFlags::topic(const std::string& given,
                                           const std::string& prefix) const {
  std::string topic = given.empty() ? url_topic_ : given;
  if (topic.empty()) {
    crypto::SystemRandom random;
    std::array<std::uint8_t, 8> bytes{};
    random.fill(bytes);
    topic = prefix + '/' + to_hex(bytes);
  }
  return client::parse_topic(topic, client::TopicKind::name);
}

void blank_secrets(int argc, char** argv) {
  // No token is as short as that.
  constexpr std::size_t longest_word = 64;
  const bool joins = argc > 1 && argv[1] == std::string_view("join");
  const auto blank = [](char* text) { std::fill_n(text, std::strlen(text), 'x'); };
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (joins && argument.size() > longest_word && !argument.starts_with('-')) {
      blank(argv[i]);
      continue;
    }
    if ((argument == "-P" || argument == "--pw") && i + 1 < argc) {
      blank(argv[++i]);
    } else if (argument.starts_with("--pw=")) {
      blank(argv[i] + 5);
    } else if (argument.starts_with("-P")) {
      blank(argv[i] + 2);
    }
  }
}

}  // namespace sts::cli
