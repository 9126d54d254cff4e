// Topic names and the filters that select them (MQTT 5, section 4.7).
#pragma once

#include <string_view>

#include "base/result.h"

namespace sts {

/// `filter` may have wildcards in their places, as in a subscription.
enum class TopicKind { name, filter };

/// Errc::bad_input for what is none: empty, over 65535 bytes, not UTF-8, with a zero byte, or with
/// a wildcard where it may not be.
Result<void> check_topic(std::string_view topic, TopicKind kind);

/// True where `filter` selects `topic`; false also where either is malformed.
bool topic_matches(std::string_view filter, std::string_view topic);

}  // namespace sts
