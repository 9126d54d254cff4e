#include "shell/output.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/counted.h"

namespace sts::shell {

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      // Whoever shares the descriptor made it non-blocking.
      pollfd room{descriptor, POLLOUT, 0};
      ::poll(&room, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

void Output::put(int descriptor, std::string_view text) {
  if (held_) {
    keep(descriptor, text);
    return;
  }
  std::string whole(text);
  whole.push_back('\n');
  if (screen_ != nullptr) screen_->erase();
  write(descriptor, whole);
  if (screen_ != nullptr) screen_->redraw();
}

void Output::keep(int descriptor, std::string_view text) {
  if (kept_size_ + text.size() >= hold_limit) {
    ++dropped_;
    return;
  }
  kept_size_ += text.size() + 1;
  if (kept_.empty() || kept_.back().descriptor != descriptor) kept_.push_back({descriptor, {}});
  kept_.back().lines.append(text).push_back('\n');
}

void Output::release() {
  held_ = false;
  kept_size_ = 0;
  for (const auto& [descriptor, lines] : std::exchange(kept_, {})) write(descriptor, lines);
  if (const auto dropped = std::exchange(dropped_, 0); dropped > 0) {
    error(fmt::format("error: {} dropped while the program had the terminal",
                      counted(dropped, "line was", "lines were")));
  }
}

void Output::write(int descriptor, std::string_view bytes) {
  if (write_all(descriptor, bytes) || descriptor != out_) return;
  if (!std::exchange(broken_, true) && on_broken_) on_broken_();
}

}  // namespace sts::shell
