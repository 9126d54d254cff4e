#include "client/invite.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sts::client {

void make_invite_session(Config& config, const protocol::Invite& invite, Mode mode,
                         Enrolment enrolment, Instant end) {
  const bool joins = mode == Mode::initiator;
  const auto [joiner, inviter] = protocol::invite_topics(invite);
  Config out;
  out.broker = std::move(config.broker);
  out.broker.session_expiry = {};  // streams make up for what a connection loses
  out.port = config.port;
  out.url_port = config.url_port;
  out.retry = config.retry;
  out.warnings = std::move(config.warnings);
  out.mode = mode;
  out.pubtop = out.bind_pubtop = joins ? joiner : inviter;
  out.subtop = out.bind_subtop = joins ? inviter : joiner;
  out.name = std::move(enrolment.name);
  if (joins) {
    out.peers = {invite.inviter};
  } else {
    out.peers = {FirstUse{}};
  }
  out.peer_line = "the invite";
  out.psk = protocol::invite_psk(invite);
  out.invite = std::move(enrolment.rights);
  out.invite_end = end;
  out.stays = !joins;
  config = std::move(out);
}

Result<void> check_enrolment(const store::Home& home, const Enrolment& enrolment,
                             const std::optional<crypto::PublicKey>& key) {
  if (auto good = store::check_rights(enrolment.rights); !good) return good;
  if (enrolment.name.empty()) return {};
  if (!store::valid_peer_name(enrolment.name)) {
    return fail(Errc::bad_input, fmt::format("'{}' is not a valid name for a peer", enrolment.name),
                "1 to 64 letters, digits, '.', '_' and '-'");
  }
  auto peers = store::load_peers(home);
  if (!peers) return tl::unexpected<Error>(peers.error());
  const auto found = std::ranges::find(*peers, enrolment.name, &store::Peer::name);
  if (found == peers->end() || found->key == key) return {};
  return fail(Errc::refused, fmt::format("the name '{}' is taken", enrolment.name),
              "choose another --name, or leave it out: a peer that is listed keeps its name");
}

}  // namespace sts::client
