#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "shell/commands.h"
#include "shell/completion.h"
#include "shell/shell.h"
#include "shell/text.h"

namespace sts::shell {
namespace {

using client::Config;

bool names_file(const std::string& target) {
  std::error_code ignored;
  return target.find("://") == std::string::npos &&
         (target.find('/') != std::string::npos ||
          std::filesystem::is_regular_file(target, ignored));
}

Result<void> set_target(Config& config, std::string_view target) {
  const std::string path = expand_home(target);
  if (!names_file(path)) {
    // HOST:PORT, but not an IPv6 address alone.
    const bool has_port = target.find("://") == std::string_view::npos &&
                          (std::ranges::count(target, ':') == 1 || target.starts_with('['));
    auto set = set_key(config, "url", (has_port ? "mqtt://" : "") + std::string(target));
    if (config.url_port) config.port.reset();  // the one of `set`
    return set;
  }
  auto loaded = client::load_profile(path, std::move(config));
  if (!loaded) return tl::unexpected(loaded.error());
  config = std::move(*loaded);
  if (config.mode == client::Mode::nosec) return {};
  return fail(Errc::refused, fmt::format("{} is the config of an encrypted session", path),
              "'start' opens it; connect's are in the clear");
}

Result<void> set_all(Config& config, std::string_view arguments) {
  bool first = true;
  for (const auto word : words_of(arguments)) {
    const auto equals = word.find('=');
    const bool setting = equals != std::string_view::npos &&
                         word.substr(0, equals).find_first_of(":/") == std::string_view::npos;
    if (!setting && !first) {
      return fail(Errc::bad_input, fmt::format("connect: '{}' is no KEY=VALUE", word),
                  "'help connect' tells more");
    }
    first = false;
    auto set = setting ? set_key(config, word.substr(0, equals), word.substr(equals + 1))
                       : set_target(config, word);
    if (!set) return set;
  }
  return client::complete_broker(config);
}

Result<void> run_connect(Shell& shell, std::string_view arguments) {
  Config config;
  auto set = shell.settings().apply(config);
  if (set) set = set_all(config, arguments);
  if (!set) return set;
  if (config.name.empty()) config.name = config.broker.host;
  config.warnings.emplace_back(
      "in the clear: the broker, and whoever it lets in, can read and forge all on this "
      "connection");
  return shell.open(std::move(config));
}

}  // namespace

Command connect_command() {
  return {
      "connect",
      "[URL|CONFIG] [KEY=VALUE...]",
      "connect to a broker, in the clear",
      "For 'sub', 'pub' and 'watch'. URL is a host, HOST:PORT, mqtt[s]://[USER@]HOST[:PORT] or\n"
      "unix://PATH, by default localhost; CONFIG a file with sts.conf(5)'s keys for the broker.\n"
      "KEY=VALUE sets such a key, without blanks: session_expiry=300, cafile=ca.pem, name=test.\n"
      "'set' keeps defaults. The connection is a session called as the host, unless name says\n"
      "otherwise, and the current one.",
      Completion::path,
      run_connect};
}

}  // namespace sts::shell
