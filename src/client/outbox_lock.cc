#include "client/outbox_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <asio/post.hpp>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <utility>

namespace sts::client {
namespace {

constexpr std::size_t stack_size = 65'536;

/// What the thread works with, which the process may end around.
struct Waiting {
  int file, done;
};

void* wait_for_lock(void* argument) {
  const std::unique_ptr<Waiting> waiting(static_cast<Waiting*>(argument));
  while (::flock(waiting->file, LOCK_EX) != 0 && errno == EINTR) {
  }
  const std::uint64_t one = 1;
  (void)!::write(waiting->done, &one, sizeof(one));
  ::close(waiting->done);
  return nullptr;
}

}  // namespace

Result<std::unique_ptr<OutboxLock>> OutboxLock::open(asio::io_context& loop,
                                                     const std::filesystem::path& path,
                                                     Owner owner) {
  const std::string name = path.string();
  const int file = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  const int watch = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  const int held = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  // Writing tells; and whoever ends, however, closes what it had open for writing.
  if (file < 0 || watch < 0 || held < 0 ||
      ::inotify_add_watch(watch, name.c_str(), IN_MODIFY | IN_CLOSE_WRITE) < 0) {
    const int error = errno;
    for (const int descriptor : {file, watch, held}) {
      if (descriptor >= 0) ::close(descriptor);
    }
    return fail(Errc::io, fmt::format("{}: {}", name, std::strerror(error)));
  }
  return std::unique_ptr<OutboxLock>(new OutboxLock(loop, std::move(owner), file, watch, held));
}

OutboxLock::OutboxLock(asio::io_context& loop, Owner owner, int file, int watch, int held)
    : owner_(std::move(owner)), file_(file), watch_(loop, watch), held_(loop, held) {
  listen();
}

OutboxLock::~OutboxLock() { ::close(file_); }

void OutboxLock::listen() {
  watch_.async_wait(asio::posix::descriptor_base::wait_read, [this](std::error_code error) {
    if (error) return;
    std::array<char, 4096> events;
    while (::read(watch_.native_handle(), events.data(), events.size()) > 0) {
    }
    listen();
    owner_.news();
  });
}

void OutboxLock::want() {
  held_.async_wait(asio::posix::descriptor_base::wait_read, [this](std::error_code error) {
    if (!error) owner_.held();
  });
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0) {
    const std::uint64_t one = 1;
    (void)!::write(held_.native_handle(), &one, sizeof(one));
    return;
  }
  wait_in_thread();
}

/// flock() alone waits for a lock without asking again and again, and a process that is killed
/// leaves it. The thread ends with the process.
void OutboxLock::wait_in_thread() {
  auto waiting =
      std::make_unique<Waiting>(Waiting{file_, ::fcntl(held_.native_handle(), F_DUPFD_CLOEXEC, 0)});
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_size);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are the loop's
  pthread_t thread{};
  if (pthread_create(&thread, &attributes, wait_for_lock, waiting.get()) == 0) {
    (void)waiting.release();  // the thread's
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
}

void OutboxLock::tell() const { (void)!::pwrite(file_, "", 1, 0); }

void OutboxLock::close() {
  std::error_code ignored;
  watch_.close(ignored);
  held_.close(ignored);
}

}  // namespace sts::client
