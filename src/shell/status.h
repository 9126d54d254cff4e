// What `status` shows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "client/messenger.h"

namespace sts::shell {

/// One log line each. Public keys and fingerprints of peers are shown; there is nothing secret in a
/// Status.
std::vector<std::string> status_lines(const client::Status& status);

/// A filter, and the QoS that the broker granted.
std::string topic_line(const client::Topic& topic);

std::string_view state_name(client::State state);

/// "59 s", "2 min 5 s", "3 h 0 min", "2 d 4 h".
std::string format_age(Duration age);

}  // namespace sts::shell
