// sts sub, after its flags were read.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "cli/job.h"
#include "cli/sink.h"
#include "client/config.h"

namespace sts::cli {

struct SubChoices {
  client::Config config;
  std::vector<std::string> topics;
  bool retain_as_published = false;
  bool exit_after_suback = false;
  std::chrono::seconds timeout{0};  // 0: none
  SinkChoices sink;
  bool durable = false;  // acknowledged only when it is safe
  // On channels:
  std::chrono::seconds max_age{0};  // leave older messages out; 0: none
  bool report = false;              // at the end, what the broker did
};

/// Each runs to its end and returns the exit code.
int run_plain_sub(asio::io_context& loop, SubChoices choices);
int run_channel_sub(asio::io_context& loop, SubChoices choices);
int run_session_sub(asio::io_context& loop, SubChoices choices);

}  // namespace sts::cli
