// A libmosquitto handle that is set up as the options say.
#pragma once

#include <mosquitto.h>

#include <memory>

#include "base/result.h"
#include "mqtt/options.h"
#include "mqtt/properties.h"

namespace sts::mqtt {

struct DestroyHandle {
  void operator()(mosquitto* handle) const { mosquitto_destroy(handle); }
};
using Handle = std::unique_ptr<mosquitto, DestroyHandle>;

/// Without callbacks; those get `owner`. Errc::bad_input for options that can't be used.
Result<Handle> new_handle(const Options& options, void* owner);

/// The will of the next CONNECT, which may differ each time.
Result<void> set_will(mosquitto* handle, const Options& options);

/// What CONNECT says besides (MQTT 5, section 3.1.2.11); empty for 3.1.1.
PropertyList connect_properties(const Options& options);

/// What libmosquitto takes as keep alive.
std::uint16_t keep_alive_seconds(const Options& options);

}  // namespace sts::mqtt
