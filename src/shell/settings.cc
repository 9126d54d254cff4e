#include "shell/settings.h"

#include <fmt/format.h>

#include "client/config_keys.h"

namespace sts::shell {
namespace {

Result<const client::ConfigKey*> find(std::string_view name) {
  const auto* key = client::find_key(name);
  if (key == nullptr) {
    return fail(Errc::bad_input, fmt::format("unknown key '{}'", name),
                client::unknown_key_hint(name));
  }
  if (!key->counts_for(client::Protocol::none) || name == "aes" || name == "sts_mode") {
    return fail(Errc::bad_input,
                fmt::format("'{}' has no meaning for connect: it doesn't encrypt", name),
                "write a config for an encrypted session, and 'start' it");
  }
  return key;
}

}  // namespace

Result<void> set_key(client::Config& config, std::string_view name, std::string_view value) {
  const auto key = find(name);
  if (!key) return tl::unexpected(key.error());
  auto set = (*key)->set(config, value, {});
  if (set) return set;
  return fail(set.error().code, fmt::format("{}: {}", name, set.error().message),
              set.error().hint.empty() ? "sts.conf(5) says what it may be" : set.error().hint);
}

Result<void> Settings::set(std::string_view name, std::string_view value) {
  const auto key = find(name);
  if (!key) return tl::unexpected(key.error());
  // A secret is read when it is needed: a prompt or a descriptor can't be read twice.
  client::Config scratch;
  if (!name.ends_with("_from")) {
    if (auto good = set_key(scratch, name, value); !good) return good;
  }
  values_.insert_or_assign(std::string(name), std::string(value));
  return {};
}

Result<void> Settings::unset(std::string_view key) {
  const auto found = values_.find(key);
  if (found == values_.end()) {
    return fail(Errc::bad_input, fmt::format("'{}' is not set", key), "'set' shows what is");
  }
  values_.erase(found);
  return {};
}

Result<void> Settings::apply(client::Config& config) const {
  for (const auto& [key, value] : values_) {
    if (auto set = set_key(config, key, value); !set) return set;
  }
  return {};
}

std::vector<std::string> Settings::lines(std::string_view only) const {
  std::vector<std::string> out;
  for (const auto& [key, value] : values_) {
    if (!only.empty() && key != only) continue;
    out.push_back(fmt::format("{} = {}", key, key == "password" ? "(not shown)" : value));
  }
  return out;
}

std::vector<std::string> Settings::keys() {
  std::vector<std::string> out{"name", "pubtop", "qos", "subtop", "timeout"};
  for (const auto& key : client::broker_keys()) out.emplace_back(key.name);
  return out;
}

}  // namespace sts::shell
