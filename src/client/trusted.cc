#include "client/trusted.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/peers.h"

namespace sts::client {
namespace {

/// The config's PSK goes before the trust file's.
crypto::Psk psk_of(const Config& config, const store::Peer* peer) {
  if (config.psk) return config.psk->clone();
  return peer && peer->psk ? peer->psk->clone() : crypto::Psk();
}

}  // namespace

Result<Trusted> Trusted::load(const Config& config, const store::Home& home) {
  auto known = store::load_peers(home);
  if (!known) return tl::unexpected<Error>(known.error());
  Trusted out;
  out.pin_name_ = config.name;
  out.invite_ = config.invite;
  for (const auto& peer : *known) out.names_.emplace(peer.key, peer.name);

  const auto named = [&](const std::string& name) {
    const auto peer = std::ranges::find(*known, name, &store::Peer::name);
    return peer == known->end() ? nullptr : &*peer;
  };
  const auto trust = [&](const crypto::PublicKey& key) {
    const auto peer = std::ranges::find(*known, key, &store::Peer::key);
    out.trust_.peers.push_back({key, psk_of(config, peer == known->end() ? nullptr : &*peer)});
  };
  for (const auto& ref : config.peers) {
    if (const auto* key = std::get_if<crypto::PublicKey>(&ref)) {
      trust(*key);
    } else if (const auto* name = std::get_if<std::string>(&ref)) {
      const auto* peer = named(*name);
      if (!peer) {
        return fail(Errc::bad_input,
                    fmt::format("{}: no peer is called {}", config.peer_line, *name),
                    fmt::format("sts peer add {} KEY", *name));
      }
      trust(peer->key);
    } else if (std::holds_alternative<FirstUse>(ref)) {
      // An invite is for whoever holds its token, known or not.
      const auto* pinned = config.invite ? nullptr : named(config.name);
      if (pinned) {
        trust(pinned->key);
      } else {
        out.trust_.first_use = psk_of(config, nullptr);
      }
    } else {
      for (const auto& peer : *known) trust(peer.key);
      if (known->empty()) {
        return fail(
            Errc::bad_input,
            fmt::format("{}: peer = trusted, and the trust file is empty", config.peer_line),
            "sts peer add NAME KEY");
      }
      out.one_peer_ = false;
    }
  }
  out.one_peer_ = out.one_peer_ && config.peers.size() == 1;
  return out;
}

std::string Trusted::name(const crypto::PublicKey& key) const {
  const auto known = names_.find(key);
  return known != names_.end() ? known->second : crypto::to_text(key);
}

Result<void> Trusted::pin(const crypto::PublicKey& key, const store::Home& home) {
  if (invite_) {
    return store::enrol_peer(home, key, pin_name_, *invite_).map([&](std::string name) {
      names_[key] = std::move(name);
    });
  }
  if (const auto known = names_.find(key); known != names_.end()) {
    return fail(Errc::refused,
                fmt::format("the peer is {} of the trust file, so it can't be pinned as {}",
                            known->second, pin_name_),
                fmt::format("set peer = {}", known->second));
  }
  auto added = store::add_peer(home, {pin_name_, key, {}});
  if (added) names_.emplace(key, pin_name_);
  return added;
}

}  // namespace sts::client
