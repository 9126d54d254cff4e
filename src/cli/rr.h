// sts rr, after its flags were read.
#pragma once

#include <chrono>

#include "cli/job.h"
#include "cli/sink.h"
#include "client/config.h"
#include "mqtt/message.h"

namespace sts::cli {

struct RrChoices {
  client::Config config;
  mqtt::Message request;  // in the clear with response topic and correlation data
  std::chrono::seconds timeout{30};
  SinkChoices sink;
};

/// Each runs to its end and returns the exit code.
int run_plain_rr(asio::io_context& loop, RrChoices choices);
int run_session_rr(asio::io_context& loop, RrChoices choices);

}  // namespace sts::cli
