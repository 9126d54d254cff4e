// sts ping, after its flags were read.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/job.h"
#include "client/config.h"
#include "mqtt/transport.h"

namespace sts::cli {

struct PingChoices {
  client::Config config;
  std::string topic;
  std::uint64_t count = 4;
  std::chrono::seconds timeout{5};  // for one answer
  bool json = false;
};

struct PingFindings {
  std::string broker;  // host:port
  std::string client_id;
  mqtt::Connected connected;
  Duration connecting{};        // name look-up, TCP, TLS, CONNECT
  bool with_publish = true;     // else the round trips are of SUBSCRIBE and SUBACK
  std::string why_not_publish;  // a sentence, where they are
  std::vector<Duration> round_trips;
  std::uint64_t lost = 0;
};

/// Runs to its end and returns the exit code.
int run_ping(asio::io_context& loop, PingChoices choices);

/// For people, lines; for programs, one JSON object on one line.
std::string ping_text(const PingFindings& findings);
std::string ping_json(const PingFindings& findings);

}  // namespace sts::cli
