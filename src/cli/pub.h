// sts pub, after its flags were read.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "cli/job.h"
#include "client/config.h"
#include "mqtt/message.h"

namespace sts::cli {

struct PubChoices {
  client::Config config;
  mqtt::Message message;  // what is sent; with `lines` all but the payload
  bool lines = false;     // a message a line of the standard input
  std::uint64_t repeat = 1;
  std::chrono::milliseconds repeat_delay{0};
  std::chrono::seconds heartbeat{0};  // on a channel; 0: none
  bool enqueue_only = false;          // into the outbox, and no further
};

/// Each runs to its end and returns the exit code.
int run_plain_pub(asio::io_context& loop, PubChoices choices);
int run_channel_pub(asio::io_context& loop, PubChoices choices);
int run_durable_pub(asio::io_context& loop, PubChoices choices);
int run_session_pub(asio::io_context& loop, PubChoices choices);

/// Delivers what is in the outbox, all of it.
int run_flush(asio::io_context& loop, client::Config config);

}  // namespace sts::cli
