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
  if (!connection_ || !connection_->can_resume(options)) {
    disconnect();
    connection_ = std::make_shared<Connection>(loop_, handler_);
  }
  connection_->start(options);
}

void Mosquitto::disconnect() {
  if (connection_) connection_->leave();
  connection_.reset();
}

void Mosquitto::subscribe(const Subscription& subscription) {
  if (connection_) connection_->subscribe(subscription);
}

void Mosquitto::unsubscribe(const std::string& filter) {
  if (connection_) connection_->unsubscribe(filter);
}

Result<PublishId> Mosquitto::publish(const Message& message) {
  if (!connection_) return fail(Errc::io, "not connected to a broker");
  const PublishId id = last_id_ + 1;
  if (auto published = connection_->publish(id, message); !published) {
    return tl::unexpected<Error>(published.error());
  }
  return last_id_ = id;
}

void Mosquitto::hold(bool held) {
  if (connection_) connection_->hold(held);
}

void Mosquitto::acknowledge() {
  if (connection_) connection_->acknowledge();
}

}  // namespace sts::mqtt
