#include "client/sealed_will.h"

#include <fmt/format.h>

#include "base/text.h"

namespace sts::client {

Result<void> check_will(const Config& config, const protocol::Trust& trust) {
  if (!config.broker.will) return {};
  const auto& will = *config.broker.will;
  if (trust.first_use) {
    return fail(Errc::refused,
                "a will is sealed for a known peer, and first use has not met it yet",
                "start once without the will, or name the peer's key in peer");
  }
  if (trust.peers.size() != 1) {
    return fail(
        Errc::refused,
        fmt::format("a will is sealed for one peer, and this side trusts {}", trust.peers.size()),
        "name one in peer, or leave the will out");
  }
  if (!will.topic.empty() && will.topic != config.pubtop) {
    return fail(Errc::refused,
                fmt::format("nobody would open a will on {}: the peer listens on {}",
                            printable(will.topic), printable(config.pubtop)),
                "leave the will's topic out");
  }
  if (will.retain) {
    return fail(Errc::refused,
                "a sealed will is not retained: the peer would find it at each start",
                "leave will_retain out");
  }
  if (will.payload.size() > protocol::will_message_max) {
    return fail(Errc::refused,
                fmt::format("the will is longer than {} bytes", protocol::will_message_max),
                "shorten it");
  }
  return crypto::check_public_key(trust.peers[0].key);
}

Line will_line(const protocol::LastWill& will, const std::string& peer) {
  const auto text = printable(as_text(will.message));
  if (will.announced) {
    return {Level::warning,
            fmt::format("the broker says that {} is gone; its will: {}", peer, text),
            fmt::format("{} wrote the will, but that it is gone only the broker says", peer)};
  }
  return {Level::warning,
          fmt::format("the broker says that an unknown connection of {} ended; its will: {}", peer,
                      text),
          fmt::format("{} wrote the will, but perhaps long ago: no session told of that connection",
                      peer)};
}

}  // namespace sts::client
