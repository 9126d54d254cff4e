// `sts sub --exec`: a command for each message, one after the other.
#pragma once

#include <asio/io_context.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "base/random.h"
#include "client/backoff.h"
#include "client/received.h"
#include "client/timer.h"
#include "crypto/random.h"
#include "shell/program.h"

namespace sts::cli {

/// Runs `/bin/sh -c COMMAND` with the payload as standard input and what is known of the message in
/// the environment, in order; again, after a while, as long as it doesn't end with exit code 0.
class ExecOutput {
 public:
  struct Owner {
    std::function<void(bool)> hold;            // too many wait; and no more
    std::function<void(bool)> failing;         // the command has failed; and has succeeded
    std::function<void(std::uint64_t)> taken;  // up to this Received::place
  };
  ExecOutput(asio::io_context& loop, std::string command, Owner owner);

  void take(client::Received received) { push({std::move(received), true}); }
  /// A message that isn't wanted is in its place taken.
  void skip(std::uint64_t place);
  /// The command that runs is told to end (SIGTERM); no other is begun.
  void interrupt();
  /// Calls `done`, now or later, when nothing waits or runs.
  void finish(std::function<void()> done);

 private:
  struct Job {
    client::Received message;
    bool wanted = true;
  };
  void push(Job job);
  void next();
  void ended(int status);
  void failed(const std::string& how);

  std::string command_;
  Owner owner_;
  shell::ProgramRunner program_;
  client::Timer retry_;
  client::Backoff backoff_;
  crypto::SystemRandom random_;
  std::deque<Job> jobs_;  // the first runs, or is to be run
  std::function<void()> done_;
  bool failing_ = false, held_ = false, interrupted_ = false;
};

}  // namespace sts::cli
