#include "mqtt/connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <mqtt_protocol.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <asio/post.hpp>
#include <utility>

#include "mqtt/errors.h"
#include "mqtt/packet_size.h"

namespace sts::mqtt {
namespace {

using Wait = asio::posix::stream_descriptor;

/// QoS 1 and 2 messages on their way at once; a broker's receive maximum (MQTT 5) lowers it. At
/// 100 ms to the broker and back, 100 let 1000 messages a second through.
constexpr unsigned max_inflight = 100;
constexpr std::chrono::seconds linger{1};

/// What libmosquitto takes as keep alive.
std::uint16_t keep_alive_seconds(const Options& options) {
  const auto seconds = options.keep_alive.count();
  return seconds == 0 ? std::uint16_t{0}
                      : static_cast<std::uint16_t>(std::clamp<std::int64_t>(seconds, 5, 65535));
}

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

}  // namespace

Connection::Connection(asio::io_context& loop, Handler& handler, const Options& options)
    : loop_(loop),
      handler_(&handler),
      options_(options),
      thread_done_(loop),
      socket_(loop),
      deadline_(loop),
      misc_(loop) {}

template <typename Call>
void Connection::tell(Call call) {
  asio::post(loop_, [weak = weak_from_this(), call = std::move(call)]() mutable {
    auto self = weak.lock();
    if (self && self->handler_ != nullptr) call(*self->handler_);
  });
}

void Connection::start() {
  deadline_.expires_after(options_.connect_timeout);
  deadline_.async_wait([weak = weak_from_this()](asio::error_code error) {
    auto self = weak.lock();
    if (error || !self || self->state_ != State::connecting) return;
    self->failed(no_answer(self->options_));
  });
  begin();
}

Result<void> Connection::new_handle() {
  handle_.reset(mosquitto_new(or_null(options_.client_id), true, this));
  if (!handle_) {
    return fail(Errc::bad_input, fmt::format("'{}' is not a client id", options_.client_id),
                "set clientid to 1 to 23 letters and digits");
  }
  mosquitto* handle = handle_.get();
  if (!options_.username.empty() &&
      mosquitto_username_pw_set(handle, options_.username.c_str(), or_null(options_.password)) !=
          MOSQ_ERR_SUCCESS) {
    return fail(Errc::bad_input, "the user name is not UTF-8", "check username");
  }
  mosquitto_int_option(handle, MOSQ_OPT_PROTOCOL_VERSION,
                       options_.version == Version::v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
  mosquitto_int_option(handle, MOSQ_OPT_TCP_NODELAY, 1);
  mosquitto_max_inflight_messages_set(handle, max_inflight);

  mosquitto_connect_v5_callback_set(
      handle, [](mosquitto*, void* self, int reason, int, const mosquitto_property* properties) {
        static_cast<Connection*>(self)->on_connect(reason, properties);
      });
  mosquitto_disconnect_v5_callback_set(
      handle, [](mosquitto*, void* self, int reason, const mosquitto_property*) {
        static_cast<Connection*>(self)->end_ = reason;
      });
  mosquitto_message_callback_set(handle,
                                 [](mosquitto*, void* self, const mosquitto_message* message) {
                                   static_cast<Connection*>(self)->on_message(*message);
                                 });
  mosquitto_publish_v5_callback_set(
      handle, [](mosquitto*, void* self, int packet_id, int reason, const mosquitto_property*) {
        static_cast<Connection*>(self)->on_publish(packet_id, reason);
      });
  mosquitto_subscribe_callback_set(
      handle, [](mosquitto*, void* self, int packet_id, int count, const int* granted) {
        const int reason = count > 0 ? granted[0] : MQTT_RC_UNSPECIFIED;
        static_cast<Connection*>(self)->on_subscribe(packet_id, reason);
      });
  return {};
}

void Connection::begin() {
  connack_ = -1;
  end_ = 0;
  if (auto made = new_handle(); !made) return failed(made.error());
  connecting_ = std::make_shared<Connecting>();
  connecting_->handle = std::move(handle_);
  connecting_->host = options_.host;
  connecting_->port = options_.port;
  connecting_->keep_alive = keep_alive_seconds(options_);
  auto done = connect_in_thread(connecting_);
  if (!done) return failed(done.error());
  thread_done_.assign(*done);
  thread_done_.async_wait(Wait::wait_read, [weak = weak_from_this()](asio::error_code error) {
    auto self = weak.lock();
    if (!error && self && self->connecting_) self->thread_done();
  });
}

void Connection::thread_done() {
  // End-of-file alone would do, but the C++ memory model knows nothing of pipes.
  while (!connecting_->done.load(std::memory_order_acquire)) {
  }
  thread_done_.close();
  auto connecting = std::exchange(connecting_, nullptr);
  if (connecting->outcome != MOSQ_ERR_SUCCESS) {
    return failed(connect_error(options_, connecting->outcome, connecting->os_error));
  }
  handle_ = std::move(connecting->handle);
  const int fd = mosquitto_socket(handle_.get());
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return failed(connect_error(options_, MOSQ_ERR_ERRNO, errno));
  socket_.assign(copy);
  wait_read();
  after_call();
}

void Connection::wait_read() {
  socket_.async_wait(Wait::wait_read, [weak = weak_from_this()](asio::error_code error) {
    auto self = weak.lock();
    if (error || !self || !self->handle_) return;
    mosquitto_loop_read(self->handle_.get(), 1);
    self->acknowledge_at_once();
    self->after_call();
    if (self->handle_) self->wait_read();
  });
}

/// A broker that leaves Nagle's algorithm on, as mosquitto does, holds its next packet back until
/// TCP here acknowledged the last; a delayed acknowledgement costs 40 ms. The option doesn't stick.
void Connection::acknowledge_at_once() {
  const int on = 1;
  setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

void Connection::wait_write() {
  writing_ = true;
  socket_.async_wait(Wait::wait_write, [weak = weak_from_this()](asio::error_code error) {
    auto self = weak.lock();
    if (!self) return;
    self->writing_ = false;
    if (error || !self->handle_) return;
    mosquitto_loop_write(self->handle_.get(), 1);
    self->after_call();
  });
}

void Connection::wait_misc() {
  misc_.expires_after(misc_period_);
  misc_.async_wait([weak = weak_from_this()](asio::error_code error) {
    auto self = weak.lock();
    if (error || !self || !self->handle_) return;
    mosquitto_loop_misc(self->handle_.get());
    self->after_call();
    if (self->handle_) self->wait_misc();
  });
}

/// After each call into libmosquitto: it may have closed the socket, or left something to write.
void Connection::after_call() {
  if (state_ == State::leaving && unanswered_.empty() && mosquitto_socket(handle_.get()) >= 0) {
    state_ = State::disconnecting;
    // Writes what is queued, DISCONNECT last, and closes the socket behind it.
    mosquitto_disconnect(handle_.get());
  }
  if (mosquitto_socket(handle_.get()) < 0) return ended();
  if (!writing_ && mosquitto_want_write(handle_.get())) wait_write();
}

/// libmosquitto closed the socket.
void Connection::ended() {
  if (state_ == State::leaving || state_ == State::disconnecting) return close();
  if (state_ == State::up) return failed(connection_lost(options_, end_));
  const bool version_refused = connack_ < 0 || connack_ == CONNACK_REFUSED_PROTOCOL_VERSION ||
                               connack_ == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION;
  if (options_.version == Version::v5 && version_refused) {
    options_.version = Version::v3_1_1;
    socket_.close();
    return begin();
  }
  failed(connack_ < 0 ? no_connack(options_) : connack_error(options_, connack_));
}

void Connection::close() {
  state_ = State::closed;
  connecting_.reset();
  asio::error_code ignored;
  thread_done_.close(ignored);
  socket_.close(ignored);
  deadline_.cancel();
  misc_.cancel();
  handle_.reset();
  unanswered_.clear();
  subscribing_.clear();
}

void Connection::failed(Error why) {
  close();
  tell([why = std::move(why)](Handler& handler) { handler.on_disconnected(why); });
}

void Connection::leave() {
  handler_ = nullptr;
  if (state_ != State::up) return close();
  state_ = State::leaving;
  deadline_.expires_after(linger);
  deadline_.async_wait([self = shared_from_this()](asio::error_code error) {
    if (!error) self->close();
  });
  after_call();
}

void Connection::subscribe(const std::string& topic, Qos qos) {
  if (state_ != State::up) return;
  int packet_id = 0;
  // A shared subscription with No Local is a protocol error (MQTT 5, section 3.8.3.1).
  const bool no_local = options_.version == Version::v5 && !topic.starts_with("$share/");
  const int outcome =
      mosquitto_subscribe_v5(handle_.get(), &packet_id, topic.c_str(), static_cast<int>(qos),
                             no_local ? MQTT_SUB_OPT_NO_LOCAL : 0, nullptr);
  if (outcome == MOSQ_ERR_INVAL || outcome == MOSQ_ERR_MALFORMED_UTF8) {
    Error why{Errc::bad_input, fmt::format("'{}' is not a topic to subscribe to", topic)};
    return tell([topic, why](Handler& handler) {
      handler.on_subscribed(topic, tl::unexpected<Error>(why));
    });
  }
  subscribing_[packet_id] = topic;
  after_call();
}

Result<void> Connection::publish(PublishId id, const std::string& topic, ByteView payload, Qos qos,
                                 bool retain) {
  if (state_ != State::up) {
    return fail(Errc::io, fmt::format("not connected to {}:{}", options_.host, options_.port));
  }
  if (auto fits = check_packet_size(topic.size(), payload.size(), qos, options_.version,
                                    maximum_packet_size_);
      !fits) {
    return fits;
  }
  publishing_ = id;
  int packet_id = 0;
  const int outcome = payload.size() > MQTT_MAX_PAYLOAD
                          ? MOSQ_ERR_PAYLOAD_SIZE
                          : mosquitto_publish_v5(handle_.get(), &packet_id, topic.c_str(),
                                                 static_cast<int>(payload.size()), payload.data(),
                                                 static_cast<int>(qos), retain, nullptr);
  const bool answered = std::exchange(publishing_, 0) == 0;
  if (outcome == MOSQ_ERR_SUCCESS && !answered) unanswered_[packet_id] = id;
  after_call();
  if (outcome == MOSQ_ERR_SUCCESS) return {};
  return tl::unexpected<Error>(publish_error(options_, topic, outcome));
}

void Connection::on_connect(int reason, const mosquitto_property* properties) {
  connack_ = reason;
  if (reason != 0) return;
  state_ = State::up;
  deadline_.cancel();
  std::uint16_t keep_alive = keep_alive_seconds(options_);
  mosquitto_property_read_int32(properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, &maximum_packet_size_,
                                false);
  mosquitto_property_read_int16(properties, MQTT_PROP_SERVER_KEEP_ALIVE, &keep_alive, false);
  if (keep_alive != 0) {
    // A broker waits 1.5 times as long (MQTT 5, section 3.1.2.10): a quarter late is soon enough.
    misc_period_ = std::chrono::milliseconds(250) * keep_alive;
    wait_misc();
  }
  tell([version = options_.version, maximum = maximum_packet_size_](Handler& handler) {
    handler.on_connected(version, maximum);
  });
}

void Connection::on_message(const mosquitto_message& message) {
  const auto* data = static_cast<const std::uint8_t*>(message.payload);
  Message copy{message.topic, Bytes(data, data + message.payloadlen), static_cast<Qos>(message.qos),
               message.retain};
  tell([copy = std::move(copy)](Handler& handler) mutable { handler.on_message(std::move(copy)); });
}

void Connection::on_publish(int packet_id, int reason) {
  auto found = unanswered_.extract(packet_id);
  const PublishId id = found ? found.mapped() : std::exchange(publishing_, 0);
  if (id == 0) return;
  Result<void> outcome;
  if (reason >= MQTT_RC_UNSPECIFIED) outcome = tl::unexpected<Error>(puback_error(reason));
  tell([id, outcome](Handler& handler) { handler.on_published(id, outcome); });
}

void Connection::on_subscribe(int packet_id, int reason) {
  auto found = subscribing_.extract(packet_id);
  if (!found) return;
  Result<void> outcome;
  if (reason >= MQTT_RC_UNSPECIFIED) {
    outcome = tl::unexpected<Error>(suback_error(found.mapped(), reason));
  }
  tell([topic = found.mapped(), outcome](Handler& handler) {
    handler.on_subscribed(topic, outcome);
  });
}

}  // namespace sts::mqtt
