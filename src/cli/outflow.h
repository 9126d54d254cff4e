// Bytes to a descriptor whose reader may be slow.
#pragma once

#include <asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "shell/fd_ready.h"

namespace sts::cli {

/// Never blocks the loop and never drops. What is appended in one turn of the loop goes out
/// together at its end.
class Outflow {
 public:
  /// From so many waiting bytes on it is congested, until half of them are left.
  static constexpr std::size_t enough = std::size_t{256} << 10U;

  struct Owner {
    std::function<void(bool)> congested;  // true asks for less, false for more
    /// Nothing more is written. Without a message: the reader has closed its end.
    std::function<void(const Error&)> broken;
    std::function<void(std::uint64_t)> written = [](auto) {};  // so many bytes in all are
  };

  /// `descriptor` is not owned.
  Outflow(asio::io_context& loop, int descriptor, Owner owner);

  /// To append to; call flush_soon() afterwards.
  std::string& buffer() { return buffer_; }
  /// Bytes that were ever appended.
  std::uint64_t appended() const { return total_ + (buffer_.size() - written_); }
  void flush_soon();
  /// Calls `done`, from here or later, once all is written or it broke.
  void finish(std::function<void()> done);

 private:
  void flush();
  void write_some();
  void tell();

  asio::io_context& loop_;
  int descriptor_;
  shell::FdReady ready_;
  Owner owner_;
  std::function<void()> done_;
  std::string buffer_;
  std::size_t written_ = 0;  // of buffer_
  std::uint64_t total_ = 0;  // written, of all
  bool posted_ = false, waiting_ = false, was_congested_ = false, is_broken_ = false;
};

}  // namespace sts::cli
