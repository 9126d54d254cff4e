// sts pub, after its flags were read.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "cli/job.h"
#include "cli/one_shot.h"
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
  bool flush = false;                 // nothing: all that waits in the outbox is to be delivered
};

/// Whether messages that go this way can be what the config says of durable.
Result<void> check_durable(const client::Config& config, Way way);

/// Each runs to its end and returns the exit code.
int run_plain_pub(asio::io_context& loop, PubChoices choices);
int run_channel_pub(asio::io_context& loop, PubChoices choices);
int run_durable_pub(asio::io_context& loop, PubChoices choices);
int run_session_pub(asio::io_context& loop, PubChoices choices);

}  // namespace sts::cli
