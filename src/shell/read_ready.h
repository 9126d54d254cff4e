// Waits until a descriptor can be read, of whatever kind it is.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <functional>

namespace sts::shell {

/// Asio would make the descriptor non-blocking, and with it the standard input, output and error of
/// every process that shares them; so the loop waits on an epoll instance that watches it. Regular
/// files, which epoll refuses, can always be read.
class ReadReady {
 public:
  /// `descriptor` is not owned.
  ReadReady(asio::io_context& loop, int descriptor);

  /// Calls `ready` once, from the loop, when a read would not block (there are bytes, or the end).
  /// One wait at a time.
  void wait(std::function<void()> ready);

 private:
  asio::io_context& loop_;
  asio::posix::stream_descriptor epoll_;
  bool always_;
};

}  // namespace sts::shell
