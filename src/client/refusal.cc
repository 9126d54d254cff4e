#include "client/refusal.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

namespace sts::client {

Refusal::Refusal(const Config& config, std::vector<crypto::PublicKey> expected)
    : pin_name_(config.name),
      whose_("config " + config.name),
      peers_(config.peers),
      expected_(std::move(expected)) {
  if (!config.peer_line.starts_with("--")) return;
  is_flag_ = true;  // there is no config to name
  whose_ = "topic " + (config.mode == Mode::initiator ? config.pubtop : config.subtop);
}

Line Refusal::line(const crypto::PublicKey& offered, const std::string& name) const {
  const std::string shown = crypto::fingerprint(offered);
  std::string text;
  if (expected_.size() == 1) {
    text = fmt::format(
        "refused a handshake: {} is not the pinned peer of {}: fingerprint {}, expected {}", name,
        whose_, shown, crypto::fingerprint(expected_.front()));
  } else {
    text = fmt::format("refused a handshake: {} is none of the {} peers of {}: fingerprint {}",
                       name, expected_.size(), whose_, shown);
  }
  return {
      Level::error, text,
      "most likely a stranger, who can't get in: then nothing is to be done; only if the peer has "
      "a new key, and its owner reads you this fingerprint from `sts key show`: " +
          remedy()};
}

/// Not with the key that was offered: anybody who can publish makes this line appear.
std::string Refusal::remedy() const {
  if (peers_.size() > 1) return is_flag_ ? "another --peer" : "add it to `peer` in the config file";
  const PeerRef& ref = peers_.front();
  if (std::holds_alternative<AllTrusted>(ref)) return "sts peer add NAME KEY";
  if (std::holds_alternative<crypto::PublicKey>(ref)) {
    return is_flag_ ? "--peer KEY" : "set peer = KEY in the config file";
  }
  const auto* name = std::get_if<std::string>(&ref);
  return fmt::format("sts peer remove {0}, then sts peer add {0} KEY", name ? *name : pin_name_);
}

}  // namespace sts::client
