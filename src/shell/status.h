// What `status` shows.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "client/client.h"

namespace sts::shell {

/// One log line each. Public keys and fingerprints of peers are shown; there is nothing secret in a
/// Status.
std::vector<std::string> status_lines(const client::Status& status);

/// "59 s", "2 min 5 s", "3 h 0 min", "2 d 4 h".
std::string format_age(Duration age);

}  // namespace sts::shell
