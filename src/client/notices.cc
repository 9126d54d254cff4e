#include "client/notices.h"

#include <fmt/format.h>

namespace sts::client {
namespace {

constexpr std::chrono::seconds pause{10};

Line sentence(const protocol::Notice& notice, const std::string& peer, const std::string& subtop,
              Mode mode) {
  using enum protocol::NoticeKind;
  switch (notice.kind) {
    case malformed:
      return {Level::warning,
              fmt::format("garbage on {}: not an STS 2 frame; it was dropped", subtop)};
    case unverified:
      return {Level::warning,
              "a handshake message doesn't verify: it was damaged, or the two sides name their "
              "topics differently (see bind_subtop and bind_pubtop)"};
    case untrusted:
      return {Level::error, fmt::format("refused a handshake: {} is not the pinned peer", peer)};
    case own_key:
      return {Level::error,
              "refused a handshake with this side's own key: does the peer use a copy of STS_HOME, "
              "or does someone send our frames back?"};
    case psk_mismatch:
      return {
          Level::error,
          fmt::format("refused a handshake: {} has another psk, or the frame was forged", peer)};
    case not_confirmed:
      return {Level::error,
              fmt::format("{} answered but does not confirm: it doesn't trust this side's key "
                          "(sts key show), or has another psk",
                          peer)};
    case forged:
      return {Level::warning, fmt::format("dropped a forged frame on {}", subtop)};
    case repeated:
      return {Level::info, fmt::format("dropped a repeated frame on {}", subtop)};
    case same_role:
      return {Level::error,
              fmt::format("the peer on {} is {} as well: one side needs sts_mode = {}", subtop,
                          mode == Mode::initiator ? "master" : "slave",
                          mode == Mode::initiator ? "slave" : "master")};
    case silent:
      return {Level::warning,
              fmt::format("no answer from {}; {} messages wait", peer, notice.count)};
    case back:
      return {Level::info, fmt::format("{} answers again", peer)};
    case dropped:
      return {Level::error, fmt::format("{} messages to {} were not delivered: the broker refused "
                                        "them",
                                        notice.count, peer)};
    case used_up:
      return {
          Level::warning,
          fmt::format("the session's keys are used up; messages to {} wait for new ones", peer)};
  }
  return {};
}

/// Whether someone without any key can cause it at will.
bool anyone_can_cause(protocol::NoticeKind kind) {
  using enum protocol::NoticeKind;
  return kind != silent && kind != back && kind != dropped && kind != used_up;
}

}  // namespace

std::optional<Line> Notices::say(const protocol::Notice& notice, const std::string& peer,
                                 const std::string& subtop, Mode mode, Instant now) {
  Line line = sentence(notice, peer, subtop, mode);
  if (!anyone_can_cause(notice.kind)) return line;
  const auto [said, first] = said_.try_emplace(notice.kind, Said{now});
  if (!first) {
    if (now - said->second.at < pause) {
      ++said->second.withheld;
      return std::nullopt;
    }
    if (said->second.withheld > 0) {
      line.text += fmt::format(" (and {} times before)", said->second.withheld);
    }
    said->second = {now};
  }
  return line;
}

}  // namespace sts::client
