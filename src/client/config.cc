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
    if (!config_.password.empty()) {
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
    for (const auto& [key, example] : {std::pair{"sts_mode", "nosec, master or slave"},
                                       {"subtop", "the topic to listen on"},
                                       {"pubtop", "the topic to send on"}}) {
      if (lines_.find(key) != nullptr) continue;
      return fail_at(path_, lines_.count, fmt::format("the file ends without '{}'", key),
                     fmt::format("add a line '{} = ' with {}", key, example));
    }
    if (!config_.password.empty() && config_.username.empty()) {
      return at("password", "a password without a username", "add a line 'username = NAME'");
    }
    return {};
  }

  Result<void> check_protocol() {
    if (config_.mode == Mode::nosec && config_.aes != Aes::null) {
      return at("aes", "nothing is encrypted with sts_mode = nosec",
                "delete this line, or set sts_mode to master or slave");
    }
    const auto used = protocol_of(config_);
    for (const auto& line : lines_.lines) {
      const auto* key = find_key(line.key);
      if (key->only == Protocol::none || key->only == used) continue;
      if (used == Protocol::none) {
        return at(line.key, fmt::format("'{}' has no meaning with sts_mode = nosec", line.key),
                  "delete this line, or set sts_mode to master or slave");
      }
      return used == Protocol::sts1
                 ? at(line.key,
                      fmt::format("'{}' has no meaning with aes: STS 1 has no such thing",
                                  line.key),
                      "delete this line, or the one with aes for STS 2")
                 : at(line.key,
                      fmt::format("'{}' has no meaning without aes = ecb or cbc", line.key),
                      "delete this line: STS 2 has one curve");
    }
    if (lines_.find("psk") != nullptr && lines_.find("psk_file") != nullptr) {
      return at("psk_file", "both psk and psk_file", "delete one of the two lines");
    }
    return {};
  }

  Result<void> check_topics() {
    if (config_.mode == Mode::nosec) return {};
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
    if (protocol_of(config_) != Protocol::sts2) return {};
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

}  // namespace

Result<Config> load_config(const std::string& path) {
  const fs::path file_path(path);
  auto file = store::read_file(file_path, largest_file);
  constexpr auto hint = "give the path of a config; sts.conf(5) says what is in one";
  if (!file) return fail(file.error().code, file.error().message, hint);
  if (!*file) return fail(Errc::bad_input, fmt::format("there is no file {}", path), hint);
  auto lines = split_config(path, store::view((*file)->text));
  if (!lines) return tl::unexpected(lines.error());

  Config config;
  config.name = file_path.filename().string();
  for (const auto& line : lines->lines) {
    const auto* key = find_key(line.key);
    if (key == nullptr) {
      return fail_at(path, line.number, fmt::format("unknown key '{}'", line.key),
                     unknown_key_hint(line.key));
    }
    if (const auto* first = lines->find(line.key); first != &line) {
      return fail_at(path, line.number,
                     fmt::format("'{}' is set in line {} already", line.key, first->number),
                     "delete one of the two lines");
    }
    if (auto set = key->set(config, line.value, file_path.parent_path()); !set) {
      auto& [code, message, remedy] = set.error();
      return fail_at(path, line.number, fmt::format("{}: {}", line.key, message),
                     remedy.empty() ? "sts.conf(5) says what it may be" : remedy);
    }
  }
  WholeFile whole(path, *lines, config);
  if (auto checked = whole.check(); !checked) return tl::unexpected(checked.error());
  if (auto checked = whole.check_access(**file); !checked) return tl::unexpected(checked.error());
  return config;
}

}  // namespace sts::client
