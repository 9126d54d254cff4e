#include "client/refusal.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

namespace sts::client {

Refusal::Refusal(const Config& config, std::vector<crypto::PublicKey> expected)
    : config_(config.name), peers_(config.peers), expected_(std::move(expected)) {}

Line Refusal::line(const crypto::PublicKey& offered, const std::string& name) const {
  const std::string shown = crypto::fingerprint(offered);
  std::string text;
  if (expected_.size() == 1) {
    text = fmt::format(
        "refused a handshake: {} is not the pinned peer of config {}: fingerprint {}, expected {}",
        name, config_, shown, crypto::fingerprint(expected_.front()));
  } else {
    text =
        fmt::format("refused a handshake: {} is none of the {} peers of config {}: fingerprint {}",
                    name, expected_.size(), config_, shown);
  }
  return {Level::error, text,
          "compare with `sts key show` at the peer; only if that is it: " +
              remedy(crypto::to_text(offered))};
}

std::string Refusal::remedy(const std::string& offered) const {
  if (peers_.size() > 1) return "add it to `peer` in the config file";
  const PeerRef& ref = peers_.front();
  if (const auto* name = std::get_if<std::string>(&ref)) {
    return fmt::format("sts peer remove {0}, then sts peer add {0} {1}", *name, offered);
  }
  if (std::holds_alternative<FirstUse>(ref)) {
    return fmt::format("sts peer remove {}, then start again", config_);
  }
  if (std::holds_alternative<AllTrusted>(ref)) return "sts peer add NAME " + offered;
  return fmt::format("set peer = {} in the config file", offered);
}

}  // namespace sts::client
