// Topic names and the filters of SUBSCRIBE.
#pragma once

#include <string>

namespace sts::mqtt {

/// True where `filter` (with + and #, MQTT 5 section 4.7) selects `topic`; false also for bad ones.
bool topic_matches(const std::string& filter, const std::string& topic);

}  // namespace sts::mqtt
