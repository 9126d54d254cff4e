#include "mqtt/connection.h"

#include <fcntl.h>
#include <mqtt_protocol.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "mqtt/connection_tell.h"
#include "mqtt/errors.h"

namespace sts::mqtt {
namespace {

using Wait = asio::posix::stream_descriptor;

constexpr std::chrono::seconds linger{1};

}  // namespace

Connection::Connection(asio::io_context& loop, Handler& handler)
    : loop_(loop),
      handler_(&handler),
      thread_done_(loop),
      socket_(loop),
      deadline_(loop),
      misc_(loop) {}

void Connection::start(const Options& options) {
  options_ = options;
  state_ = State::connecting;
  held_ = false;
  untaken_ = told_ = 0;
  deadline_.expires_after(options_.connect_timeout);
  deadline_.async_wait([weak = weak_from_this()](asio::error_code error) {
    auto self = weak.lock();
    if (error || !self || self->state_ != State::connecting) return;
    self->failed(no_answer(self->options_));
  });
  // Where the thread of the last attempt is still at it, its outcome will do.
  if (!connecting_) begin();
}

bool Connection::can_resume(const Options& options) const {
  return state_ == State::closed && (handle_ || connecting_) && !clean_ && !options.clean_start &&
         options.client_id == options_.client_id;
}

Result<void> Connection::make_handle() {
  if (options_.tls) {
    auto context = make_tls_context(*options_.tls, options_.host);
    if (!context) return tl::unexpected<Error>(context.error());
    tls_ = std::move(*context);
  }
  auto made = new_handle(options_, this);
  if (!made) return tl::unexpected<Error>(made.error());
  handle_ = std::move(*made);
  if (options_.tls) {
    mosquitto_void_option(handle_.get(), MOSQ_OPT_SSL_CTX, tls_.get());
    mosquitto_int_option(handle_.get(), MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
  }
  clean_ = options_.clean_start;
  set_callbacks();
  return {};
}

void Connection::begin() {
  connack_ = -1;
  end_ = read_ = 0;
  broker_ = {};
  broker_.resumed = handle_ != nullptr;
  if (!handle_) {
    unanswered_.clear();
    if (auto made = make_handle(); !made) return failed(made.error());
  }
  connecting_ = std::make_shared<Connecting>();
  connecting_->options = options_;
  connecting_->handle = std::move(handle_);
  auto done = connect_in_thread(connecting_);
  if (!done) {
    connecting_.reset();
    return failed(done.error());
  }
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
  handle_ = std::move(connecting->handle);
  const int fd = mosquitto_socket(handle_.get());
  if (state_ == State::closed) {  // given up, and kept for what is unanswered
    if (fd >= 0) shutdown(fd, SHUT_RDWR);
    return;
  }
  if (connecting->failed) return failed(refused_by_tls().value_or(*connecting->failed));
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return failed(connect_error(options_, MOSQ_ERR_ERRNO, errno));
  socket_.assign(copy);
  wait_read();
  after_call();
}

void Connection::wait_read() {
  reading_ = true;
  socket_.async_wait(Wait::wait_read, [weak = weak_from_this()](asio::error_code error) {
    auto self = weak.lock();
    if (!self) return;
    self->reading_ = false;
    if (error || !self->socket_.is_open() || self->held_) return;
    self->read_ = mosquitto_loop_read(self->handle_.get(), 1);
    self->acknowledge_at_once();
    self->after_call();
    if (self->socket_.is_open() && !self->held_) self->wait_read();
  });
}

/// A broker that leaves Nagle's algorithm on, as mosquitto does, holds its next packet back until
/// TCP here acknowledged the last; a delayed acknowledgement costs 40 ms. The option doesn't stick.
void Connection::acknowledge_at_once() {
  if (options_.port == 0) return;
  const int on = 1;
  setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

void Connection::wait_write() {
  writing_ = true;
  socket_.async_wait(Wait::wait_write, [weak = weak_from_this()](asio::error_code error) {
    auto self = weak.lock();
    if (!self) return;
    self->writing_ = false;
    if (error || !self->socket_.is_open() || !self->may_write()) return;
    mosquitto_loop_write(self->handle_.get(), 1);
    self->after_call();
  });
}

void Connection::wait_misc() {
  misc_.expires_after(misc_period_);
  misc_.async_wait([weak = weak_from_this()](asio::error_code error) {
    auto self = weak.lock();
    if (error || !self || !self->socket_.is_open()) return;
    mosquitto_loop_misc(self->handle_.get());
    self->after_call();
    if (self->socket_.is_open()) self->wait_misc();
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
  if (!writing_ && may_write() && mosquitto_want_write(handle_.get())) wait_write();
}

/// libmosquitto closed the socket.
void Connection::ended() {
  if (state_ == State::leaving || state_ == State::disconnecting) return close();
  if (state_ == State::up) return failed(connection_lost(options_, end_));
  if (auto refused = refused_by_tls()) return failed(*refused);
  if (auto refused = refused_by_proxy()) return failed(*refused);
  const bool version_refused = connack_ < 0 || connack_ == CONNACK_REFUSED_PROTOCOL_VERSION ||
                               connack_ == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION;
  if (options_.version == Version::v5 && !options_.exact_version && version_refused) {
    options_.version = Version::v3_1_1;
    socket_.close();
    handle_.reset();
    return begin();
  }
  failed(connack_ < 0 ? no_connack(options_) : connack_error(options_, connack_));
}

std::optional<Error> Connection::refused_by_tls() const {
  if (!tls_ || connack_ >= 0) return {};
  const TlsFailure& failure = tls_failure(tls_.get());
  if (failure.verify == X509_V_OK && failure.alert == 0 && failure.error == 0) return {};
  return tls_error(options_, failure);
}

std::optional<Error> Connection::refused_by_proxy() const {
  if (!options_.socks5 || connack_ >= 0) return {};
  switch (read_) {
    case MOSQ_ERR_AUTH:
    case MOSQ_ERR_PROXY:
    case MOSQ_ERR_CONN_REFUSED:
    case MOSQ_ERR_NO_CONN:
    case MOSQ_ERR_INVAL:
    case MOSQ_ERR_UNKNOWN:
      return proxy_error(options_);
    default:
      return {};
  }
}

/// What is unanswered stays with the handle, or with the thread that has it, for the next start().
void Connection::close() {
  state_ = State::closed;
  asio::error_code ignored;
  if (socket_.is_open()) shutdown(socket_.native_handle(), SHUT_RDWR);
  socket_.close(ignored);
  deadline_.cancel();
  misc_.cancel();
  subscribing_.clear();
  unsubscribing_.clear();
  topic_aliases_.clear();
}

void Connection::failed(Error why) {
  close();
  const int connack = std::max(connack_, 0);
  tell(
      [why = std::move(why), connack](Handler& handler) { handler.on_disconnected(why, connack); });
}

void Connection::leave() {
  handler_ = nullptr;
  // With something untaken not even DISCONNECT may be written: the acknowledgement is before it.
  if (state_ != State::up || !may_write()) {
    close();
    connecting_.reset();
    asio::error_code ignored;
    thread_done_.close(ignored);
    return handle_.reset();
  }
  state_ = State::leaving;
  deadline_.expires_after(linger);
  deadline_.async_wait([self = shared_from_this()](asio::error_code error) {
    if (!error) self->close();
  });
  if (held_) hold(false);
  after_call();
}

void Connection::hold(bool held) {
  held_ = held;
  if (!held && !reading_ && socket_.is_open()) wait_read();
}

void Connection::acknowledge() {
  untaken_ -= std::exchange(told_, 0);
  if (socket_.is_open()) after_call();
}

}  // namespace sts::mqtt
