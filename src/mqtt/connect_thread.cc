#include "mqtt/connect_thread.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "mqtt/errors.h"
#include "mqtt/srv.h"

namespace sts::mqtt {
namespace {

/// getaddrinfo() with NSS modules is known to live with musl's 128 KiB; only touched pages count.
constexpr std::size_t stack_size = 262'144;

struct Job {
  std::shared_ptr<Connecting> connecting;
  int done_fd;
};

/// What connect() says for the first address of `host`, 0 where it works.
int first_address_error(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return 0;
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int error = fd >= 0 && ::connect(fd, found->ai_addr, found->ai_addrlen) == 0 ? 0 : errno;
  if (fd >= 0) close(fd);
  freeaddrinfo(found);
  return error;
}

/// libmosquitto tells the error of the last address, and getaddrinfo() puts those last that this
/// machine has no route to (RFC 6724, rule 1): the first one's error is what the user needs.
int error_of_first(int error, const std::string& host, std::uint16_t port) {
  const bool no_route = error == EADDRNOTAVAIL || error == ENETUNREACH || error == EHOSTUNREACH ||
                        error == EAFNOSUPPORT;
  if (!no_route || port == 0) return error;
  const int first = first_address_error(host, port);
  return first != 0 ? first : error;
}

std::optional<Error> connect_to(Connecting& connecting, const Target& target) {
  const Options& options = connecting.options;
  if (auto set = set_will(connecting.handle.get(), options); !set) return set.error();
  const auto properties = connect_properties(options);
  const int outcome = mosquitto_connect_bind_v5(
      connecting.handle.get(), target.host.c_str(), target.port, keep_alive_seconds(options),
      options.bind_address.empty() ? nullptr : options.bind_address.c_str(), properties.get());
  if (outcome == MOSQ_ERR_SUCCESS) return {};
  int error = errno;
  Options to = options;  // what was connected to, for the error
  to.host = options.socks5 ? options.socks5->host : target.host;
  to.port = options.socks5 ? options.socks5->port : target.port;
  if (outcome == MOSQ_ERR_ERRNO) error = error_of_first(error, to.host, to.port);
  return connect_error(to, outcome, error);
}

std::optional<Error> connect_now(Connecting& connecting) {
  const Options& options = connecting.options;
  std::vector<Target> targets{{options.host, options.port}};
  if (options.srv) {
    auto found = look_up_srv(options.host, options.tls.has_value(), options.dns_server,
                             options.connect_timeout);
    if (!found) return found.error();
    targets = std::move(*found);
  }
  std::optional<Error> failed;
  for (const auto& target : targets) {
    failed = connect_to(connecting, target);
    if (!failed) break;
  }
  return failed;
}

void* run(void* argument) {
  std::unique_ptr<Job> job(static_cast<Job*>(argument));
  job->connecting->failed = connect_now(*job->connecting);
  job->connecting->done.store(true, std::memory_order_release);
  const int done_fd = job->done_fd;
  job.reset();
  // What OpenSSL keeps for a thread. It goes before the loop hears of the end, which may be the
  // program's, too.
  OPENSSL_thread_stop();
  close(done_fd);
  return nullptr;
}

int start_detached(Job* job) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, stack_size);
  // Signals are the loop's: one that landed in the thread would end its connect() with EINTR.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  const int error = pthread_create(&thread, &attributes, run, job);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return error;
}

}  // namespace

Result<int> connect_in_thread(std::shared_ptr<Connecting> connecting) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return fail(Errc::io, fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  }
  auto job = std::make_unique<Job>(Job{std::move(connecting), ends[1]});
  if (const int error = start_detached(job.get())) {
    close(ends[0]);
    close(ends[1]);
    return fail(Errc::io, fmt::format("cannot start a thread: {}", std::strerror(error)));
  }
  static_cast<void>(job.release());  // the thread frees it
  return ends[0];
}

}  // namespace sts::mqtt
