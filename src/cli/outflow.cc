#include "cli/outflow.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <asio/post.hpp>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

namespace sts::cli {

Outflow::Outflow(asio::io_context& loop, int descriptor, Owner owner)
    : loop_(loop),
      descriptor_(descriptor),
      ready_(loop, descriptor, shell::FdReady::Wanted::write),
      owner_(std::move(owner)) {}

void Outflow::flush_soon() {
  if (std::exchange(posted_, true)) return;
  asio::post(loop_, [this] {
    posted_ = false;
    flush();
  });
}

void Outflow::finish(std::function<void()> done) {
  done_ = std::move(done);
  flush();
}

void Outflow::flush() {
  if (!waiting_) write_some();
  tell();
}

/// A pipe that poll() calls writable takes PIPE_BUF bytes without blocking; more might block, and
/// O_NONBLOCK would be set for every process that shares the descriptor.
void Outflow::write_some() {
  while (!is_broken_ && written_ < buffer_.size()) {
    pollfd room{descriptor_, POLLOUT, 0};
    if (poll(&room, 1, 0) == 0) {
      waiting_ = true;
      ready_.wait([this] {
        waiting_ = false;
        flush();
      });
      return;
    }
    const auto size = std::min<std::size_t>(buffer_.size() - written_, PIPE_BUF);
    const ssize_t took = ::write(descriptor_, buffer_.data() + written_, size);
    if (took >= 0) {
      written_ += static_cast<std::size_t>(took);
      total_ += static_cast<std::uint64_t>(took);
    } else if (errno != EINTR && errno != EAGAIN) {
      is_broken_ = true;
      const bool closed = errno == EPIPE;
      owner_.broken(
          {Errc::io,
           closed ? "" : fmt::format("cannot write the output: {}", std::strerror(errno))});
    }
  }
  buffer_.clear();
  written_ = 0;
}

void Outflow::tell() {
  // What is written goes when it is most of the buffer, so that each byte moves once or twice.
  if (written_ > buffer_.size() / 2) {
    buffer_.erase(0, written_);
    written_ = 0;
  }
  const std::size_t left = is_broken_ ? 0 : buffer_.size() - written_;
  const bool congested = left >= (was_congested_ ? enough / 2 : enough);
  if (std::exchange(was_congested_, congested) != congested) owner_.congested(congested);
  if (!is_broken_) owner_.written(total_);
  if (left == 0 && done_) std::exchange(done_, nullptr)();
}

}  // namespace sts::cli
