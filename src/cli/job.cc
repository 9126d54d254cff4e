#include "cli/job.h"

#include <csignal>
#include <utility>

namespace sts::cli {

int output_lost(const Error& why) {
  if (why.message.empty()) return 128 + SIGPIPE;
  show(why);
  return exit_failed;
}

Job::Job(asio::io_context& loop)
    : loop_(loop), signals_(loop, SIGINT, SIGTERM, SIGHUP), alarm_(loop) {}

int Job::run() {
  listen();
  start();
  loop_.run();
  return exit_code_;
}

void Job::listen() {
  signals_.async_wait([this](std::error_code error, int) {
    // A signal that came with the end was no longer there to be cancelled.
    if (error || finished_) return;
    listen();
    interrupted();
  });
}

bool Job::finish(int exit_code) {
  if (exit_code_ == exit_ok) exit_code_ = exit_code;
  if (std::exchange(finished_, true)) return false;
  signals_.cancel();
  signals_.clear();  // the next one ends the program, whatever it still waits for
  alarm_.cancel();
  return true;
}

void Job::alarm(std::chrono::milliseconds time, std::function<void()> what) {
  alarm_.expires_after(time);
  alarm_.async_wait([what = std::move(what)](std::error_code error) {
    if (!error) what();
  });
}

}  // namespace sts::cli
