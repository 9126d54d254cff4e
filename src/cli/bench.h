// sts bench, after its flags were read: publishers in one process, subscribers in another, so that
// neither side's work counts as the other's latency.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "client/config.h"
#include "crypto/keys.h"
#include "store/home.h"

namespace sts::cli {

struct BenchChoices {
  client::Config broker;  // how to reach it
  std::string topic;      // what all topics begin with
  std::uint32_t publishers = 1, subscribers = 1;
  std::uint64_t count = 1000;  // messages of each publisher
  std::uint32_t size = 100;    // bytes of each
  double rate = 0;             // messages a second of each publisher; 0: as fast as they go
  int qos = -1;                // -1: 0 in the clear, 1 in a session
  bool plain = false, json = false;
  std::chrono::seconds patience{10};  // with silence, once all was sent
};

/// One end of a session, with an identity that lasts as long as the benchmark.
struct BenchParty {
  store::Home home;
  crypto::PublicKey key;
};

struct BenchParties {
  std::vector<BenchParty> publishers, subscribers;  // in the clear without keys
};

/// In the clear all publishers speak on one topic to all subscribers. A session has one publisher
/// and one subscriber at its ends, so there a publisher sends once to each subscriber.
client::Config bench_publisher(const BenchChoices& choices, const BenchParties& parties,
                               std::size_t publisher, std::size_t subscriber);
client::Config bench_subscriber(const BenchChoices& choices, const BenchParties& parties,
                                std::size_t subscriber);

/// What the two processes tell each other, a byte each.
constexpr char bench_ready = 'r';  // publishers: all are connected
constexpr char bench_go = 'g';     // subscribers: begin
constexpr char bench_done =
    'd';  // publishers: all was sent, and acknowledged as far as the QoS goes

struct BenchFindings {
  std::uint64_t expected = 0;
  std::vector<Duration> latencies;  // one for each message that came
  Duration time{};                  // from the first sent to the last received
};

/// Each is a process's whole work with its end of the socket, and returns its exit code.
int run_bench_publishers(const BenchChoices& choices, const BenchParties& parties, int socket);
int run_bench_subscribers(const BenchChoices& choices, const BenchParties& parties, int socket);

std::string bench_text(const BenchChoices& choices, BenchFindings findings);
std::string bench_json(const BenchChoices& choices, BenchFindings findings);

}  // namespace sts::cli
