#include "client/warnings.h"

#include <fmt/format.h>

#include <utility>

namespace sts::client {

Warnings::Warnings(Clock clock, std::function<void(const Line&)> show)
    : clock_(std::move(clock)), show_(std::move(show)) {}

void Warnings::show(const Line& line) {
  if (!budget_.take(clock_())) {
    ++left_out_;
    return;
  }
  end();
  show_(line);
}

void Warnings::end() {
  if (left_out_ == 0) return;
  show_({Level::warning, fmt::format("{} more warnings left out", std::exchange(left_out_, 0))});
}

}  // namespace sts::client
