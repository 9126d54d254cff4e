// What a one-shot command is while it runs: a loop, the signals that end it, an exit code.
#pragma once

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <functional>

#include "cli/report.h"

namespace sts::cli {

/// As mosquitto_pub and mosquitto_sub: the reason code of a CONNACK that refused is an exit code
/// too.
constexpr int exit_ok = 0, exit_failed = 1, exit_timeout = 27;

/// The output broke: says why, unless its reader has closed it, which is its right. The exit code,
/// then as of a program that SIGPIPE ended.
int output_lost(const Error& why);

class Job {
 public:
  explicit Job(asio::io_context& loop);
  virtual ~Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  /// Until nothing is left to do.
  int run();

 protected:
  virtual void start() = 0;
  /// SIGINT, SIGTERM or SIGHUP: to come to an end.
  virtual void interrupted() = 0;

  asio::io_context& loop() { return loop_; }
  /// The first exit code that isn't success counts: what was asked for may be there, and the output
  /// still be lost. True the first time, from when on signals and alarms are not listened to.
  bool finish(int exit_code);
  bool finished() const { return finished_; }
  /// Calls `what` once, after `time`; only the last one set counts.
  void alarm(std::chrono::milliseconds time, std::function<void()> what);
  void alarm_off() { alarm_.cancel(); }

 private:
  void listen();

  asio::io_context& loop_;
  asio::signal_set signals_;
  asio::steady_timer alarm_;
  bool finished_ = false;
  int exit_code_ = exit_ok;
};

}  // namespace sts::cli
