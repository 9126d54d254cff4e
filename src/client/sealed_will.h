// The will of an STS 2 session (docs/protocol.md, "Will"): when there can be one, and how a peer's
// is told.
#pragma once

#include <string>

#include "client/config.h"
#include "client/messenger.h"
#include "protocol/endpoint.h"

namespace sts::client {

/// Whether the config's will, if it has one, can be sealed for whom `trust` names, and reach it.
Result<void> check_will(const Config& config, const protocol::Trust& trust);

/// `peer` is how people call whose will it is.
Line will_line(const protocol::LastWill& will, const std::string& peer);

}  // namespace sts::client
