#include "base/topic.h"

#include <fmt/format.h>

#include <cstddef>

#include "base/text.h"

namespace sts {
namespace {

constexpr std::string_view wildcards = "+#";

/// Each wildcard is a level of its own, and '#' the last one.
bool wildcards_fit(std::string_view filter) {
  for (auto at = filter.find_first_of(wildcards); at != std::string_view::npos;
       at = filter.find_first_of(wildcards, at + 1)) {
    const bool last = at + 1 == filter.size();
    const bool alone = (at == 0 || filter[at - 1] == '/') && (last || filter[at + 1] == '/');
    if (!alone || (filter[at] == '#' && !last)) return false;
  }
  return true;
}

/// The first level of `rest`, which is left with those behind it; `more` is false at the last one.
std::string_view take_level(std::string_view& rest, bool& more) {
  const auto slash = rest.find('/');
  const auto level = rest.substr(0, slash);
  more = slash != std::string_view::npos;
  rest.remove_prefix(more ? slash + 1 : rest.size());
  return level;
}

}  // namespace

Result<void> check_topic(std::string_view topic, TopicKind kind) {
  constexpr std::size_t longest = 65535;
  if (topic.empty()) return fail(Errc::bad_input, "no topic given", "name a topic");
  if (topic.size() > longest) {
    return fail(Errc::bad_input, fmt::format("a topic of {} bytes", topic.size()),
                "MQTT allows 65535");
  }
  if (!valid_utf8(topic) || topic.find('\0') != std::string_view::npos) {
    return fail(Errc::bad_input, "a topic that is not UTF-8 text", "name another topic");
  }
  if (kind == TopicKind::name && topic.find_first_of(wildcards) != std::string_view::npos) {
    return fail(Errc::bad_input, fmt::format("a wildcard in '{}'", topic),
                "name one topic, without '+' and '#'");
  }
  if (!wildcards_fit(topic)) {
    return fail(Errc::bad_input, fmt::format("a wildcard where it may not be in '{}'", topic),
                "'+' and '#' stand alone between slashes, and '#' only at the end");
  }
  return {};
}

bool topic_matches(std::string_view filter, std::string_view topic) {
  if (filter.empty() || topic.empty() || !wildcards_fit(filter)) return false;
  if (topic.find_first_of(wildcards) != std::string_view::npos) return false;
  // Wildcards don't reach the broker's own topics.
  if ((filter[0] == '$') != (topic[0] == '$')) return false;
  for (bool filter_goes_on = true, topic_goes_on = true;;) {
    const auto wanted = take_level(filter, filter_goes_on);
    if (wanted == "#") return true;
    const auto level = take_level(topic, topic_goes_on);
    if (wanted != "+" && wanted != level) return false;
    if (!filter_goes_on) return !topic_goes_on;
    if (!topic_goes_on) return filter == "#";  // which selects the level above it, too
  }
}

}  // namespace sts
