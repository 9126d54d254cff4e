// Transport over libmosquitto: one connection, driven by an Asio loop in one thread.
#pragma once

#include <asio/io_context.hpp>
#include <memory>

#include "mqtt/transport.h"

namespace sts::mqtt {

/// All members, and all calls to the handler, belong to the thread that runs `loop`. A helper
/// thread exists only while a name is looked up and TCP connects, as both block in libmosquitto; it
/// shares nothing with this object or the loop, so that neither waits for it.
///
/// A broker that refuses MQTT 5, or closes the connection on it, is tried again with 3.1.1.
class Mosquitto final : public Transport {
 public:
  /// Neither is owned; both must outlive the object.
  Mosquitto(asio::io_context& loop, Handler& handler);
  /// As disconnect().
  ~Mosquitto() override;
  Mosquitto(const Mosquitto&) = delete;
  Mosquitto& operator=(const Mosquitto&) = delete;

  void connect(const Options& options) override;
  void disconnect() override;
  void subscribe(const Subscription& subscription) override;
  void unsubscribe(const std::string& filter) override;
  Result<PublishId> publish(const Message& message) override;
  void hold(bool held) override;
  void acknowledge() override;

 private:
  asio::io_context& loop_;
  Handler& handler_;
  std::shared_ptr<class Connection> connection_;
  PublishId last_id_ = 0;
};

}  // namespace sts::mqtt
