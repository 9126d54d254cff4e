#include "mqtt/handle.h"

#include <fmt/format.h>
#include <mqtt_protocol.h>

#include <algorithm>

#include "mqtt/errors.h"

namespace sts::mqtt {
namespace {

/// QoS 1 and 2 messages on their way at once; a broker's receive maximum (MQTT 5) lowers it. At
/// 100 ms to the broker and back, 100 let 1000 messages a second through.
constexpr unsigned max_inflight = 100;

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

std::uint32_t seconds32(std::chrono::seconds time) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(time.count(), 0, UINT32_MAX));
}

}  // namespace

Result<Handle> new_handle(const Options& options, void* owner) {
  const bool clean = options.clean_start || options.client_id.empty();
  Handle made(mosquitto_new(or_null(options.client_id), clean, owner));
  if (!made) {
    return fail(Errc::bad_input, fmt::format("'{}' is not a client id", options.client_id),
                "set clientid to 1 to 23 letters and digits");
  }
  mosquitto* handle = made.get();
  if (!options.username.empty() &&
      mosquitto_username_pw_set(handle, options.username.c_str(), or_null(options.password)) !=
          MOSQ_ERR_SUCCESS) {
    return fail(Errc::bad_input, "the user name is not UTF-8", "check username");
  }
  mosquitto_int_option(handle, MOSQ_OPT_PROTOCOL_VERSION,
                       options.version == Version::v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
  if (options.port != 0) mosquitto_int_option(handle, MOSQ_OPT_TCP_NODELAY, 1);
  mosquitto_max_inflight_messages_set(handle, max_inflight);
  mosquitto_int_option(handle, MOSQ_OPT_RECEIVE_MAXIMUM,
                       options.receive_maximum == 0 ? 65535 : options.receive_maximum);
  if (const auto& proxy = options.socks5;
      proxy &&
      mosquitto_socks5_set(handle, proxy->host.c_str(), proxy->port, or_null(proxy->username),
                           or_null(proxy->password)) != MOSQ_ERR_SUCCESS) {
    return fail(Errc::bad_input, fmt::format("'{}' can't be a SOCKS5 proxy", proxy->host),
                "proxy = HOST:PORT, user name and password of up to 255 bytes");
  }
  // libmosquitto sends PUBACK before it tells of the message. "Threaded", it writes nothing by
  // itself but queues it for mosquitto_loop_write().
  mosquitto_threaded_set(handle, options.acknowledge_when_taken);
  return made;
}

Result<void> set_will(mosquitto* handle, const Options& options) {
  if (!options.will) return {};
  const Message& will = *options.will;
  const bool v5 = options.version == Version::v5;
  PropertyList list;
  if (v5) {
    auto made = to_list(will.properties);
    if (!made) return tl::unexpected<Error>(made.error());
    list = std::move(*made);
    if (options.will_delay.count() > 0) {
      add_int32(list, MQTT_PROP_WILL_DELAY_INTERVAL, seconds32(options.will_delay));
    }
  }
  const int outcome = mosquitto_will_set_v5(
      handle, will.topic.c_str(), static_cast<int>(will.payload.size()), will.payload.data(),
      static_cast<int>(will.qos), will.retain, list.get());
  if (outcome != MOSQ_ERR_SUCCESS) {
    return tl::unexpected<Error>(publish_error(options, will.topic, outcome));
  }
  static_cast<void>(list.release());  // libmosquitto's from now on
  return {};
}

PropertyList connect_properties(const Options& options) {
  PropertyList list;
  if (options.version == Version::v5 && options.session_expiry.count() > 0) {
    add_int32(list, MQTT_PROP_SESSION_EXPIRY_INTERVAL, seconds32(options.session_expiry));
  }
  return list;
}

std::uint16_t keep_alive_seconds(const Options& options) {
  const auto seconds = options.keep_alive.count();
  return seconds == 0 ? std::uint16_t{0}
                      : static_cast<std::uint16_t>(std::clamp<std::int64_t>(seconds, 5, 65535));
}

}  // namespace sts::mqtt
