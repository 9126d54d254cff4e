#include "mqtt/mosquitto.h"

#include <mutex>

#include "mqtt/connection.h"

namespace sts::mqtt {

Mosquitto::Mosquitto(asio::io_context& loop, Handler& handler) : loop_(loop), handler_(handler) {
  // mosquitto_lib_cleanup() is never called: a forgotten thread may still be inside the library.
  static std::once_flag once;
  std::call_once(once, mosquitto_lib_init);
}

Mosquitto::~Mosquitto() { disconnect(); }

void Mosquitto::connect(const Options& options) {
  disconnect();
  connection_ = std::make_shared<Connection>(loop_, handler_, options);
  connection_->start();
}

void Mosquitto::disconnect() {
  if (connection_) connection_->leave();
  connection_.reset();
}

void Mosquitto::subscribe(const std::string& topic, Qos qos) {
  if (connection_) connection_->subscribe(topic, qos);
}

Result<PublishId> Mosquitto::publish(const std::string& topic, ByteView payload, Qos qos,
                                     bool retain) {
  if (!connection_) return fail(Errc::io, "not connected to a broker");
  const PublishId id = last_id_ + 1;
  if (auto published = connection_->publish(id, topic, payload, qos, retain); !published) {
    return tl::unexpected<Error>(published.error());
  }
  return last_id_ = id;
}

}  // namespace sts::mqtt
