// What a reader keeps under a client id is one process's at a time.
#pragma once

#include <unistd.h>

#include <string_view>
#include <utility>

#include "base/result.h"
#include "store/home.h"

namespace sts::store {

class ReaderLock {
 public:
  /// Errc::refused where another holds it. The kernel frees it with its process, however that ends.
  static Result<ReaderLock> acquire(const Home& home, std::string_view client_id);
  ReaderLock(ReaderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  ReaderLock& operator=(ReaderLock&&) = delete;
  ~ReaderLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  explicit ReaderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace sts::store
