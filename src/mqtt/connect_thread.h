// libmosquitto's blocking connect, in a thread that may be forgotten.
#pragma once

#include <mosquitto.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace sts::mqtt {

struct DestroyHandle {
  void operator()(mosquitto* handle) const { mosquitto_destroy(handle); }
};
using Handle = std::unique_ptr<mosquitto, DestroyHandle>;

/// A connect under way. The thread owns all of it until `done`; whoever lets go of it last, the
/// thread or the caller, destroys the handle.
struct Connecting {
  Handle handle;
  std::string host;
  std::uint16_t port = 0;
  int keep_alive = 0;              // seconds
  int outcome = MOSQ_ERR_SUCCESS;  // of mosquitto_connect(), once done
  int os_error = 0;                // errno, where the outcome is MOSQ_ERR_ERRNO
  std::atomic<bool> done = false;
};

/// Starts the thread. The result is a descriptor, the caller's to close, that reads end-of-file
/// once `connecting` is done.
Result<int> connect_in_thread(std::shared_ptr<Connecting> connecting);

}  // namespace sts::mqtt
