// What goes wrong between us and a broker, in words for people.
#pragma once

#include "base/result.h"
#include "mqtt/transport.h"

namespace sts::mqtt {

/// host:port, or the path of the Unix socket.
std::string where(const Options& to);

/// mosquitto_connect() failed: `outcome` is its result, `os_error` errno where that is the reason.
Error connect_error(const Options& to, int outcome, int os_error);

/// The SOCKS5 proxy said no; libmosquitto doesn't tell why.
Error proxy_error(const Options& to);

/// CONNACK with reason code `reason`, of MQTT 3.1.1 (1 to 5) or 5 (128 and above).
Error connack_error(const Options& to, int reason);

/// The whole of connect() took longer than to.connect_timeout.
Error no_answer(const Options& to);

/// The connection ended before CONNACK.
Error no_connack(const Options& to);

/// An established connection ended. `reason` is the reason code of the broker's DISCONNECT (128 and
/// above), or what libmosquitto's on_disconnect callback said.
Error connection_lost(const Options& to, int reason);

/// PUBACK, PUBREC or PUBCOMP with reason code `reason`, 128 or above.
Error puback_error(int reason);

/// SUBACK with reason code `reason`, 128 or above.
Error suback_error(const std::string& topic, int reason);

/// mosquitto_publish() failed with `outcome`.
Error publish_error(const Options& to, const std::string& topic, int outcome);

}  // namespace sts::mqtt
