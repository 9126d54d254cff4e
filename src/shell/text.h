// Text from outside, made safe to show.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/text.h"
#include "mqtt/message.h"

namespace sts::shell {

/// The words between blanks.
std::vector<std::string_view> words_of(std::string_view text);
/// The first word, which is taken off with the one blank behind it; empty where there is none.
std::string_view take_word(std::string_view& text);
/// 0, 1 or 2.
Result<mqtt::Qos> parse_qos(std::string_view word);

/// The longest beginning that `a` and `b` share, in whole characters.
std::string_view common_prefix(std::string_view a, std::string_view b);

}  // namespace sts::shell
