// The session that carries out an invite, as a config. docs/protocol.md, Invites.
#pragma once

#include <string>

#include "client/config.h"
#include "protocol/invite.h"

namespace sts::client {

/// What an invite stores of the other side. An empty name: one made of the fingerprint.
struct Enrolment {
  std::string name;
  store::Rights rights;
};

/// Of `config` only the way to the broker stays. The inviter's side (Mode::responder) pins the
/// first that proves to hold the token before `end`, and goes on after that one's end. The joiner's
/// (Mode::initiator) speaks to nobody but the inviter; to store its key, once the session is up, is
/// left to the caller.
void make_invite_session(Config& config, const protocol::Invite& invite, Mode mode,
                         Enrolment enrolment, Instant end = never);

/// Refused where its rights are none, or its name belongs to another key than `key`, if that is
/// known already: so that it shows before a token is used up.
Result<void> check_enrolment(const store::Home& home, const Enrolment& enrolment,
                             const std::optional<crypto::PublicKey>& key);

}  // namespace sts::client
