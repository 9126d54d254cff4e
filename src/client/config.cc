#include "client/config.h"

#include <fmt/format.h>

#include <filesystem>

#include "client/config_keys.h"
#include "client/config_lines.h"
#include "client/config_values.h"
#include "store/file.h"
#include "store/peers.h"

namespace sts::client {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_file = std::size_t{1} << 20U;

/// Whether someone meant to end `value` with a comment, as other formats allow.
bool holds_comment(std::string_view value) {
  return value.find(" #") != std::string_view::npos || value.find("\t#") != std::string_view::npos;
}

/// What only shows once all lines were read. Fills in the defaults that depend on others.
class WholeFile {
 public:
  WholeFile(const std::string& path, const ConfigLines& lines, Config& config)
      : path_(path), lines_(lines), config_(config) {}

  Result<void> check() {
    for (const auto part : {&WholeFile::check_presence, &WholeFile::check_protocol,
                            &WholeFile::check_topics, &WholeFile::check_peers}) {
      if (auto checked = (this->*part)(); !checked) return checked;
    }
    return {};
  }

  /// Who else can read the file: an error where it holds a psk, a warning where it holds a
  /// password.
  Result<void> check_access(const store::File& file) {
    const auto safe = store::check_private(path_, file);
    if (safe) return {};
    if (const auto* psk = lines_.find("psk")) {
      return fail(Errc::refused,
                  fmt::format("{}:{}: a psk in a file that others can read", path_, psk->number),
                  safe.error().hint);
    }
    if (lines_.find("password") != nullptr && !config_.broker.password.empty()) {
      config_.warnings.push_back(
          fmt::format("{}:{}: a password in a file that others can read ({})", path_,
                      lines_.find("password")->number, safe.error().hint));
    }
    return {};
  }

 private:
  tl::unexpected<Error> at(std::string_view key, std::string_view message, std::string hint) const {
    return fail_at(path_, lines_.find(key)->number, message, std::move(hint));
  }

  Result<void> check_presence() {
    for (const auto& [key, example] : {std::pair{"sts_mode", "nosec, master, slave or channel"},
                                       {"subtop", "the topic to listen on"},
                                       {"pubtop", "the topic to send on"}}) {
      if (lines_.find(key) != nullptr || config_.mode == Mode::channel) continue;
      return fail_at(path_, lines_.count, fmt::format("the file ends without '{}'", key),
                     fmt::format("add a line '{} = ' with {}", key, example));
    }
    if (const auto* line = lines_.find("password");
        line != nullptr && !line->value.empty() && config_.broker.username.empty()) {
      return at("password", "a password without a username", "add a line 'username = NAME'");
    }
    return {};
  }

  Result<void> check_protocol() {
    const auto used = protocol_of(config_);
    if (config_.aes != Aes::null && used == Protocol::none) {
      return at("aes", "nothing is encrypted with sts_mode = nosec",
                "delete this line, or set sts_mode to master or slave");
    }
    if (config_.aes != Aes::null && used == Protocol::channel) {
      return at("aes", "STS 1 has no channels", "delete this line");
    }
    for (const auto& line : lines_.lines) {
      const auto* key = find_key(line.key);
      if (!key->counts_for(used)) return no_meaning(*key, used);
    }
    if (lines_.find("psk") != nullptr && lines_.find("psk_file") != nullptr) {
      return at("psk_file", "both psk and psk_file", "delete one of the two lines");
    }
    return {};
  }

  tl::unexpected<Error> no_meaning(const ConfigKey& key, Protocol used) const {
    const bool of_channels = key.protocols == static_cast<unsigned>(Protocol::channel);
    const auto hint = [&](const char* otherwise) {
      return fmt::format("delete this line, or {}",
                         of_channels ? "set sts_mode to channel" : otherwise);
    };
    const auto with = [&](const char* what, std::string remedy) {
      return at(key.name, fmt::format("'{}' has no meaning {}", key.name, what), std::move(remedy));
    };
    switch (used) {
      case Protocol::none:
        return with("with sts_mode = nosec", hint("set sts_mode to master or slave"));
      case Protocol::sts1:
        return with("with aes: STS 1 has no such thing", hint("the one with aes for STS 2"));
      case Protocol::session:
        return of_channels
                   ? with("in a session", hint(""))
                   : with("without aes = ecb or cbc", "delete this line: STS 2 has one curve");
      case Protocol::channel:
        break;
    }
    return with("on channels", key.name == "subtop"
                                   ? "write 'channel = FILTER' for what is to be read"
                                   : "delete this line, or set sts_mode to master or slave");
  }

  Result<void> check_topics() {
    if (config_.mode == Mode::nosec || config_.mode == Mode::channel) return {};
    if (auto topic = parse_topic(config_.subtop, TopicKind::name); !topic) {
      return at("subtop", topic.error().message, topic.error().hint);
    }
    if (config_.subtop.starts_with("$share/")) {
      return at("subtop", "a shared subscription gets only a part of a session",
                "name the topic without '$share/...'");
    }
    if (config_.subtop == config_.pubtop) {
      return at("subtop", "the same topic as pubtop: this side would hear itself",
                "use two topics, crossed over on the other side");
    }
    if (config_.bind_subtop.empty()) config_.bind_subtop = config_.subtop;
    if (config_.bind_pubtop.empty()) config_.bind_pubtop = config_.pubtop;
    if (config_.bind_subtop == config_.bind_pubtop) {
      return at(lines_.find("bind_subtop") != nullptr ? "bind_subtop" : "bind_pubtop",
                "the same topic for both directions", "name them as the other side knows them");
    }
    return {};
  }

  Result<void> check_peers() {
    if (protocol_of(config_) != Protocol::session) return {};
    const bool initiator = config_.mode == Mode::initiator;
    if (config_.peers.empty()) {
      return at(
          "sts_mode", "no peer to speak to",
          "add a line 'peer = ' with what 'sts key show' prints there, or 'peer = first-use'");
    }
    if (initiator && std::holds_alternative<AllTrusted>(config_.peers[0])) {
      return at("peer", "trusted is for a slave: a master has one peer", "name that peer");
    }
    if (initiator && config_.peers.size() > 1) {
      return at("peer", "more than one peer: a master has one", "name that peer");
    }
    if (std::holds_alternative<FirstUse>(config_.peers[0]) &&
        !store::valid_peer_name(config_.name)) {
      return at("peer",
                fmt::format("no pin can be stored under the file's name '{}'", config_.name),
                "add a line 'name = ' with letters, digits, '.', '_' and '-'");
    }
    return {};
  }

  const std::string& path_;
  const ConfigLines& lines_;
  Config& config_;
};

Result<void> set_lines(const std::string& path, const ConfigLines& lines, Config& config) {
  for (const auto& line : lines.lines) {
    const auto* key = find_key(line.key);
    if (key == nullptr) {
      return fail_at(path, line.number, fmt::format("unknown key '{}'", line.key),
                     unknown_key_hint(line.key));
    }
    if (const auto* first = lines.find(line.key); first != &line && !key->repeats) {
      return fail_at(path, line.number,
                     fmt::format("'{}' is set in line {} already", line.key, first->number),
                     "delete one of the two lines");
    }
    if (auto set = key->set(config, line.value, fs::path(path).parent_path()); !set) {
      auto& [code, message, remedy] = set.error();
      if (holds_comment(line.value)) {
        remedy = "here '#' is part of the value: a comment stands on a line of its own";
      }
      return fail_at(path, line.number, fmt::format("{}: {}", line.key, message),
                     remedy.empty() ? "sts.conf(5) says what it may be" : remedy);
    }
  }
  if (const auto* line = lines.find("peer")) {
    config.peer_line = fmt::format("{}:{}", path, line->number);
  }
  return {};
}

/// `whole`: it has to be a session's config.
Result<Config> load(const std::string& path, Config config, bool whole) {
  const fs::path file_path(path);
  auto file = store::read_file(file_path, largest_file);
  constexpr auto hint = "give the path of a config; sts.conf(5) says what is in one";
  if (!file) return fail(file.error().code, file.error().message, hint);
  if (!*file) return fail(Errc::bad_input, fmt::format("there is no file {}", path), hint);
  auto lines = split_config(path, store::view((*file)->text));
  if (!lines) return tl::unexpected(lines.error());

  config.name = file_path.filename().string();
  if (auto set = set_lines(path, *lines, config); !set) return tl::unexpected(set.error());
  if (!config.mode_given && config.mode == Mode::nosec && !config.channels.empty()) {
    config.mode = Mode::channel;
  }
  if (whole && config.mode == Mode::channel && lines->find("session_expiry") == nullptr) {
    config.broker.session_expiry = kept_session;
  }
  WholeFile checks(path, *lines, config);
  if (whole || lines->find("sts_mode") != nullptr) {
    if (auto checked = checks.check(); !checked) return tl::unexpected(checked.error());
    if (auto complete = complete_broker(config); !complete) {
      return fail(Errc::bad_input, fmt::format("{}: {}", path, complete.error().message),
                  complete.error().hint);
    }
  }
  if (auto checked = checks.check_access(**file); !checked) return tl::unexpected(checked.error());
  return config;
}

}  // namespace

Result<Config> load_config(const std::string& path) { return load(path, {}, true); }

Result<Config> load_profile(const std::string& path, Config defaults) {
  return load(path, std::move(defaults), false);
}

}  // namespace sts::client
