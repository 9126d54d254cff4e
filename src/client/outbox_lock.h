// Who delivers what is in the outbox for a destination, one process of a home at a time, and how
// processes tell each other that something in it changed. Nobody polls.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <filesystem>
#include <functional>
#include <memory>

#include "base/result.h"

namespace sts::client {

class OutboxLock {
 public:
  struct Owner {
    std::function<void()> held;  // this process has it, until it ends
    std::function<void()> news;  // some process told, or ended
  };
  /// `file` is one of Home::outbox_lock_file().
  static Result<std::unique_ptr<OutboxLock>> open(asio::io_context& loop,
                                                  const std::filesystem::path& file, Owner owner);
  ~OutboxLock();
  OutboxLock(const OutboxLock&) = delete;
  OutboxLock& operator=(const OutboxLock&) = delete;

  /// Owner::held comes once no other process has it.
  void want();
  /// Something was committed: Owner::news in all processes. One that is killed between commit and
  /// this tells it by its end.
  void tell() const;
  /// Nothing is called any more.
  void close();

 private:
  OutboxLock(asio::io_context& loop, Owner owner, int file, int watch, int held);
  void listen();
  void wait_in_thread();

  Owner owner_;
  int file_;
  asio::posix::stream_descriptor watch_, held_;
};

}  // namespace sts::client
