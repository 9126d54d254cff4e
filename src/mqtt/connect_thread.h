// libmosquitto's blocking connect, in a thread that may be forgotten.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "base/result.h"
#include "mqtt/handle.h"

namespace sts::mqtt {

/// A connect under way. The thread owns all of it until `done`; whoever lets go of it last, the
/// thread or the caller, destroys the handle.
struct Connecting {
  Options options;
  Handle handle;
  std::optional<Error> failed;  // once done
  std::atomic<bool> done = false;
};

/// Starts the thread. The result is a descriptor, the caller's to close, that reads end-of-file
/// once `connecting` is done.
Result<int> connect_in_thread(std::shared_ptr<Connecting> connecting);

}  // namespace sts::mqtt
