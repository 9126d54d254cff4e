// A message as a row of the inbox.
#pragma once

#include "client/received.h"
#include "store/inbox.h"

namespace sts::cli {

/// With a view of the payload.
store::Inbox::Message inbox_row(const client::Received& received);

}  // namespace sts::cli
