// Waits until a descriptor can be read or written, of whatever kind it is.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <functional>

namespace sts::shell {

/// Asio would make the descriptor non-blocking, and with it the standard input, output and error of
/// every process that shares them; so the loop waits on an epoll instance that watches it. Regular
/// files, which epoll refuses, are always ready.
class FdReady {
 public:
  enum class Wanted { read, write };

  /// `descriptor` is not owned.
  FdReady(asio::io_context& loop, int descriptor, Wanted wanted = Wanted::read);

  /// Calls `ready` once, from the loop, when a read would not block (there are bytes, or the end),
  /// or a write. One wait at a time.
  void wait(std::function<void()> ready);

 private:
  asio::io_context& loop_;
  asio::posix::stream_descriptor epoll_;
  bool always_;
};

}  // namespace sts::shell
