#include "shell/fd_ready.h"

#include <sys/epoll.h>

#include <asio/post.hpp>

namespace sts::shell {

FdReady::FdReady(asio::io_context& loop, int descriptor, Wanted wanted)
    : loop_(loop), epoll_(loop, ::epoll_create1(EPOLL_CLOEXEC)) {
  epoll_event event{};
  event.events = wanted == Wanted::read ? EPOLLIN : EPOLLOUT;
  always_ = ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, descriptor, &event) != 0;
}

void FdReady::wait(std::function<void()> ready) {
  if (always_) {
    asio::post(loop_, std::move(ready));
    return;
  }
  epoll_.async_wait(asio::posix::descriptor_base::wait_read,
                    [ready = std::move(ready)](std::error_code error) {
                      if (!error) ready();
                    });
}

}  // namespace sts::shell
