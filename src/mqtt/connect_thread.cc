#include "mqtt/connect_thread.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

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

void connect_now(Connecting& connecting) {
  connecting.outcome = mosquitto_connect(connecting.handle.get(), connecting.host.c_str(),
                                         connecting.port, connecting.keep_alive);
  connecting.os_error = errno;
  if (connecting.outcome != MOSQ_ERR_ERRNO) return;
  // libmosquitto tells the error of the last address, and getaddrinfo() puts those last that this
  // machine has no route to (RFC 6724, rule 1): the first one's error is what the user needs.
  const bool no_route = connecting.os_error == EADDRNOTAVAIL ||
                        connecting.os_error == ENETUNREACH || connecting.os_error == EHOSTUNREACH ||
                        connecting.os_error == EAFNOSUPPORT;
  if (!no_route) return;
  if (int error = first_address_error(connecting.host, connecting.port))
    connecting.os_error = error;
}

void* run(void* argument) {
  std::unique_ptr<Job> job(static_cast<Job*>(argument));
  connect_now(*job->connecting);
  job->connecting->done.store(true, std::memory_order_release);
  close(job->done_fd);
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
