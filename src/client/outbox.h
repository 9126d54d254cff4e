// The outbox of this user, and what is said of it.
#pragma once

#include <functional>

#include "base/random.h"
#include "base/result.h"
#include "client/messenger.h"
#include "store/home.h"
#include "store/outbox.h"

namespace sts::client {

using Log = std::function<void(const Line&)>;

/// For the identity there is, or is made. What of it was lost is told.
Result<store::Outbox> open_outbox(const store::Home& home, const store::OutboxOptions& options,
                                  Random& random, const Log& log);

/// What it dropped, and why, once.
void tell_dropped(store::Outbox& outbox, const Log& log);

}  // namespace sts::client
