// From connect() to its end: one libmosquitto handle on one Asio loop.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <string>

#include "mqtt/connect_thread.h"
#include "mqtt/transport.h"

namespace sts::mqtt {

/// Used once: after leave(), or after it told on_disconnected(), it does nothing more. What
/// libmosquitto's callbacks say is posted to the loop, so that the handler runs outside
/// libmosquitto and may do anything, and is dropped once the owner has left.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::io_context& loop, Handler& handler, const Options& options);

  void start();
  /// Forgets the handler. Where messages are unanswered the connection keeps itself alive until
  /// they are, or `linger` is over, then sends DISCONNECT.
  void leave();
  void subscribe(const std::string& topic, Qos qos);
  Result<void> publish(PublishId id, const std::string& topic, ByteView payload, Qos qos,
                       bool retain);

 private:
  enum class State { connecting, up, leaving, disconnecting, closed };

  template <typename Call>
  void tell(Call call);
  Result<void> new_handle();
  void begin();
  void thread_done();
  void wait_read();
  void wait_write();
  void wait_misc();
  void acknowledge_at_once();
  void after_call();
  void ended();
  void close();
  void failed(Error why);

  void on_connect(int reason, const mosquitto_property* properties);
  void on_message(const mosquitto_message& message);
  void on_publish(int packet_id, int reason);
  void on_subscribe(int packet_id, int reason);

  asio::io_context& loop_;
  Handler* handler_;
  Options options_;
  State state_ = State::connecting;

  std::shared_ptr<Connecting> connecting_;      // while the thread runs
  asio::posix::stream_descriptor thread_done_;  // reads end-of-file when it is through

  Handle handle_;
  asio::posix::stream_descriptor socket_;  // a dup: libmosquitto closes its own when it likes
  asio::steady_timer deadline_;            // of connecting, later of leaving
  asio::steady_timer misc_;                // keep alive
  bool writing_ = false;                   // a wait for room to write is under way
  std::chrono::milliseconds misc_period_{};

  int connack_ = -1;  // reason code, -1 before CONNACK
  int end_ = 0;       // what libmosquitto's on_disconnect said
  std::uint32_t maximum_packet_size_ = 0;
  std::map<int, PublishId> unanswered_;  // by packet identifier
  PublishId publishing_ = 0;             // inside mosquitto_publish(), which may answer at once
  std::map<int, std::string> subscribing_;
};

}  // namespace sts::mqtt
