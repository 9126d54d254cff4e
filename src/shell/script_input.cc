#include "shell/script_input.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <asio/post.hpp>
#include <cerrno>
#include <utility>

namespace sts::shell {

ScriptInput::ScriptInput(asio::io_context& loop, int descriptor, InputHandler& handler,
                         std::size_t limit)
    : loop_(loop),
      descriptor_(descriptor),
      handler_(handler),
      limit_(limit),
      ahead_(::isatty(descriptor) == 0),
      ready_(loop, descriptor) {}

void ScriptInput::next() {
  asked_ = true;
  // Through the loop, so that a long script does not starve the broker's socket.
  asio::post(loop_, [this] { pump(); });
}

void ScriptInput::pump() {
  if (!long_line_ && std::min(buffer_.find('\n'), buffer_.size()) > limit_) {
    long_line_ = skipping_ = true;
  }
  if (skipping_) skip();
  if (asked_) deliver();

  const bool whole_line = !skipping_ && (long_line_ || buffer_.find('\n') != std::string::npos);
  if (!ended_) {
    const bool wanted = !whole_line && (asked_ || ahead_);
    if (wanted && !std::exchange(reading_, true)) ready_.wait([this] { read_some(); });
  } else if (buffer_.empty() && !long_line_ && !std::exchange(end_told_, true)) {
    handler_.on_end();
  }
}

void ScriptInput::deliver() {
  if (long_line_) {
    if (skipping_) return;
    long_line_ = asked_ = false;
    handler_.on_long_line(limit_);
    return;
  }
  const auto end = buffer_.find('\n');
  if (end == std::string::npos && (!ended_ || buffer_.empty())) return;
  asked_ = false;
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end == std::string::npos ? end : end + 1);
  handler_.on_line(std::move(line));
}

void ScriptInput::skip() {
  const auto end = buffer_.find('\n');
  skipping_ = end == std::string::npos && !ended_;
  buffer_.erase(0, end == std::string::npos ? end : end + 1);
}

void ScriptInput::read_some() {
  reading_ = false;
  std::array<char, 16384> chunk;
  const ssize_t size = ::read(descriptor_, chunk.data(), chunk.size());
  if (size > 0) {
    buffer_.append(chunk.data(), static_cast<std::size_t>(size));
  } else if (size == 0 || (errno != EINTR && errno != EAGAIN)) {
    ended_ = true;
  }
  pump();
}

}  // namespace sts::shell
