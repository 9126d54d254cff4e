#include "client/notices.h"

#include <fmt/format.h>

#include <tuple>
#include <utility>

#include "base/counted.h"

namespace sts::client {
namespace {

constexpr std::chrono::seconds pause{10};

const char* role(bool master) { return master ? "master" : "slave"; }

/// Whether someone without any key can cause it at will.
bool anyone_can_cause(protocol::NoticeKind kind) {
  using enum protocol::NoticeKind;
  return kind != silent && kind != back && kind != dropped && kind != used_up;
}

/// What a peer that is missing has to run.
std::string counterpart(const Config& config) {
  const bool initiator = config.mode == Mode::initiator;
  const auto& [there, back] =
      initiator ? std::tie(config.pubtop, config.subtop) : std::tie(config.subtop, config.pubtop);
  auto keys = fmt::format("sts_mode = {}, subtop = {} and pubtop = {}", role(!initiator),
                          config.pubtop, config.subtop);
  if (back != there + "/return") return "with " + keys;
  return fmt::format("as 'sts {} --peer ME -t {}' or with {}", initiator ? "sub" : "pub", there,
                     keys);
}

}  // namespace

Notices::Notices(const Config& config, std::vector<crypto::PublicKey> expected)
    : subtop_(config.subtop),
      mode_(config.mode),
      invite_(config.invite),
      refusal_(config, std::move(expected)),
      no_session_hint_(fmt::format("check that the peer runs on this broker {}, and that it trusts "
                                   "this side's key (sts key show)",
                                   counterpart(config))) {
  if (!invite_) return;
  no_session_hint_ = mode_ == Mode::initiator
                         ? "a token works once, and only while the 'sts invite' that printed it "
                           "runs: check that it "
                           "does, on this broker, or ask for a new token"
                         : "run 'sts join' with the token on the other machine";
}

/// Where a session of an invite needs other words.
std::optional<Line> Notices::invite_line(const protocol::Notice& notice,
                                         const std::string& peer) const {
  using enum protocol::NoticeKind;
  const auto who = fmt::format("{}, fingerprint {}", peer,
                               crypto::fingerprint(notice.peer.value_or(crypto::PublicKey())));
  if (mode_ == Mode::initiator) {
    if (notice.kind == untrusted) {
      return Line{Level::error, "refused an answer: it is not from who made the token: " + who,
                  "somebody else publishes on its topic; wait, or ask for a new token"};
    }
    if (notice.kind == not_confirmed) {
      return Line{Level::error, "the other side doesn't take this token, or not from this machine",
                  "a token is for the first that uses it: ask for a new one"};
    }
    return std::nullopt;
  }
  if (notice.kind == untrusted) {
    return Line{Level::error, "refused: the token has been used already, and not by " + who,
                "if both are yours, give the second one an invite of its own"};
  }
  if (notice.kind == psk_mismatch) {
    return Line{Level::error, "refused: whoever it was doesn't hold the token: " + who,
                "nothing is lost, the invite goes on; a token with a typing error does this, too"};
  }
  return std::nullopt;
}

Line Notices::line(const protocol::Notice& notice, const std::string& peer) const {
  using enum protocol::NoticeKind;
  const bool master = mode_ == Mode::initiator;
  switch (notice.kind) {
    case malformed:
      return {Level::warning, fmt::format("dropped garbage on {}: not an STS 2 frame", subtop_),
              "give subtop a topic that nobody but the peer publishes on"};
    case unverified:
      return {Level::warning,
              "a handshake message doesn't verify: it was damaged, or the two sides name their "
              "topics differently",
              "give both sides the same names; where a bridge renames topics set bind_subtop and "
              "bind_pubtop"};
    case untrusted:
      return refusal_.line(notice.peer.value_or(crypto::PublicKey()), peer);
    case own_key:
      return {Level::error,
              "refused a handshake with this side's own key: the peer uses a copy of STS_HOME, or "
              "someone sends our frames back",
              "give each side an identity of its own: sts key gen in another STS_HOME"};
    case psk_mismatch:
      return {Level::error,
              fmt::format("refused a handshake: {} has another psk, or the frame was forged", peer),
              "set the same psk on both sides"};
    case not_confirmed:
      return {Level::error,
              fmt::format("{} answered but does not confirm: it doesn't trust this side's key, or "
                          "has another psk",
                          peer),
              "compare its `peer` with `sts key show` here, and psk on both sides"};
    case forged:
      return {Level::warning, fmt::format("dropped a forged frame on {}", subtop_)};
    case repeated:
      return {Level::info, fmt::format("dropped a repeated frame on {}", subtop_)};
    case same_role:
      return {Level::error, fmt::format("the peer on {} is {} as well", subtop_, role(master)),
              fmt::format("set sts_mode = {} on one side", role(!master))};
    case silent:
      return {Level::warning, fmt::format("no answer from {}; {}", peer,
                                          counted(notice.count, "message waits", "messages wait"))};
    case back:
      return {Level::info, fmt::format("{} answers again", peer), {}, true};
    case dropped:
      return {Level::error,
              fmt::format("{} not delivered to {}: the broker refused",
                          counted(notice.count, "message was", "messages were"), peer),
              "send less at once, and check what the broker allows"};
    case foreign_will:
      return {Level::warning, fmt::format("dropped a will on {}: no trusted key opens it", subtop_),
              "it was changed, or moved here from another topic, or whoever left it has another "
              "psk or isn't in `peer`"};
    case spent_will:
      return {Level::info,
              fmt::format("dropped a will on {}: it was shown before, or is of an earlier "
                          "connection",
                          subtop_)};
    case used_up:
      return {
          Level::warning,
          fmt::format("the session's keys are used up; messages to {} wait for new ones", peer)};
  }
  return {};
}

std::optional<Line> Notices::say(const protocol::Notice& notice, const std::string& peer,
                                 Instant now) {
  Line out = (invite_ ? invite_line(notice, peer) : std::nullopt).value_or(line(notice, peer));
  if (!anyone_can_cause(notice.kind)) return out;
  if (out.level == Level::error || notice.kind == protocol::NoticeKind::unverified) {
    no_session_hint_ = out.hint;
  }
  const auto [said, first] = said_.try_emplace(notice.kind, Said{now});
  if (!first) {
    if (now - said->second.at < pause) {
      ++said->second.withheld;
      return std::nullopt;
    }
    if (said->second.withheld > 0) {
      out.text += fmt::format(" (and {} before)", counted(said->second.withheld, "time", "times"));
    }
    said->second = {now};
  }
  return out;
}

}  // namespace sts::client
