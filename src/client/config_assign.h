// What the tables of keys are written with.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "client/config_values.h"

namespace sts::client {

/// Stores what a parser gave, or hands its error on.
template <typename To, typename T>
Result<void> assign(To& to, Result<T> value) {
  if (!value) return tl::unexpected(value.error());
  to = std::move(*value);
  return {};
}

template <typename To>
Result<void> assign_seconds(To& to, std::string_view value, std::uint64_t least,
                            std::uint64_t most) {
  return parse_number(value, least, most).map([&](std::uint64_t n) {
    to = std::chrono::seconds(n);
  });
}

inline Result<void> assign_switch(bool& to, std::string_view value) {
  return assign(
      to, parse_word<bool>(value, {{"yes", true}, {"no", false}, {"on", true}, {"off", false}}));
}

inline Result<void> assign_text(std::string& to, std::string_view value) {
  to = value;
  return {};
}

}  // namespace sts::client
