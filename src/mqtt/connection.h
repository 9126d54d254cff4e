// A libmosquitto handle on an Asio loop: from connect() to the connection's end, and where the
// options say so on into the next one.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <string>

#include "mqtt/connect_thread.h"
#include "mqtt/tls.h"
#include "mqtt/transport.h"

namespace sts::mqtt {

/// What libmosquitto's callbacks say is posted to the loop, so that the handler runs outside
/// libmosquitto and may do anything, and is dropped once the owner has left.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::io_context& loop, Handler& handler);

  /// Once for a new object; again after on_disconnected(), where can_resume().
  void start(const Options& options);
  /// What libmosquitto knows of unanswered messages can go on with these options.
  bool can_resume(const Options& options) const;
  /// Forgets the handler. Where messages are unanswered the connection keeps itself alive until
  /// they are, or `linger` is over, then sends DISCONNECT.
  void leave();

  void subscribe(const Subscription& subscription);
  void unsubscribe(const std::string& filter);
  Result<void> publish(PublishId id, const Message& message);
  void hold(bool held);
  void acknowledge();

 private:
  enum class State { connecting, up, leaving, disconnecting, closed };

  template <typename Call>
  void tell(Call call);
  Result<void> make_handle();
  void set_callbacks();
  void begin();
  void thread_done();
  void wait_read();
  void wait_write();
  void wait_misc();
  void acknowledge_at_once();
  void after_call();
  void ended();
  bool may_write() const { return untaken_ == 0; }
  void close();
  void failed(Error why);
  std::optional<Error> refused_by_tls() const;
  std::optional<Error> refused_by_proxy() const;
  Result<int> hand_over(const Message& message);

  void on_connect(int reason, int flags, const mosquitto_property* properties);
  void on_message(const mosquitto_message& message, const mosquitto_property* properties);
  void on_publish(int packet_id, int reason);
  void on_subscribe(int packet_id, int reason);
  void on_unsubscribe(int packet_id);

  asio::io_context& loop_;
  Handler* handler_;
  Options options_;
  State state_ = State::closed;

  std::shared_ptr<Connecting> connecting_;      // while the thread runs
  asio::posix::stream_descriptor thread_done_;  // reads end-of-file when it is through

  TlsContext tls_;  // outlives handle_, which uses it
  Handle handle_;
  asio::posix::stream_descriptor socket_;   // a dup: libmosquitto closes its own when it likes
  asio::steady_timer deadline_;             // of connecting, later of leaving
  asio::steady_timer misc_;                 // keep alive
  bool reading_ = false, writing_ = false;  // a wait for the socket is under way
  bool held_ = false;
  // With acknowledge_when_taken: messages that libmosquitto has acknowledged, which is not to be
  // written yet, and how many of them the handler knows.
  std::size_t untaken_ = 0, told_ = 0;
  bool clean_ = true;  // handle_ was made for a clean session, and can make no other
  std::chrono::milliseconds misc_period_{};

  int connack_ = -1;  // reason code, -1 before CONNACK
  int end_ = 0;       // what libmosquitto's on_disconnect said
  int read_ = 0;      // the outcome of the last mosquitto_loop_read()
  Connected broker_;
  std::map<int, PublishId> unanswered_;  // by packet identifier
  PublishId publishing_ = 0;             // inside mosquitto_publish(), which may answer at once
  std::map<int, std::string> subscribing_, unsubscribing_;
  std::map<std::string, std::uint16_t> topic_aliases_;  // of this connection, outgoing
};

}  // namespace sts::mqtt
