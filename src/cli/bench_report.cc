// What `sts bench` measured, for people and for programs.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/bench.h"

namespace sts::cli {
namespace {

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }
double ms(Duration time) { return seconds(time) * 1000; }

/// Of sorted times: the least that so many per cent don't exceed.
double percentile(const std::vector<Duration>& sorted, std::size_t percent) {
  const auto rank = (sorted.size() * percent + 99) / 100;
  return ms(sorted[std::max<std::size_t>(rank, 1) - 1]);
}

struct Numbers {
  std::uint64_t received = 0, lost = 0;
  double seconds = 0, rate = 0, bytes = 0;  // a second
  std::vector<Duration> sorted;
};

Numbers numbers(const BenchChoices& choices, BenchFindings findings) {
  Numbers out;
  out.sorted = std::move(findings.latencies);
  std::ranges::sort(out.sorted);
  out.received = out.sorted.size();
  out.lost = findings.expected - std::min(findings.expected, out.received);
  out.seconds = seconds(findings.time);
  if (out.seconds > 0) out.rate = static_cast<double>(out.received) / out.seconds;
  out.bytes = out.rate * choices.size;
  return out;
}

}  // namespace

std::string bench_text(const BenchChoices& choices, BenchFindings findings) {
  const auto it = numbers(choices, std::move(findings));
  auto text = fmt::format(
      "{} to {}, {} bytes, QoS {}, {}\n"
      "received {} messages in {:.3f} s: {:.0f} messages/s, {:.3f} MB/s; {} lost\n",
      choices.publishers, choices.subscribers, choices.size, choices.qos,
      choices.plain ? "in the clear" : "encrypted", it.received, it.seconds, it.rate,
      it.bytes / 1e6, it.lost);
  if (it.sorted.empty()) return text;
  text += fmt::format("latency p50 {:.3f}, p90 {:.3f}, p99 {:.3f}, max {:.3f} ms\n",
                      percentile(it.sorted, 50), percentile(it.sorted, 90),
                      percentile(it.sorted, 99), ms(it.sorted.back()));
  return text;
}

std::string bench_json(const BenchChoices& choices, BenchFindings findings) {
  const auto it = numbers(choices, std::move(findings));
  nlohmann::ordered_json object;
  object["publishers"] = choices.publishers;
  object["subscribers"] = choices.subscribers;
  object["size"] = choices.size;
  object["qos"] = choices.qos;
  object["encrypted"] = !choices.plain;
  object["received"] = it.received;
  object["lost"] = it.lost;
  object["seconds"] = it.seconds;
  object["messages_per_second"] = it.rate;
  object["bytes_per_second"] = it.bytes;
  if (!it.sorted.empty()) {
    object["latency_ms"] = {{"p50", percentile(it.sorted, 50)},
                            {"p90", percentile(it.sorted, 90)},
                            {"p99", percentile(it.sorted, 99)},
                            {"max", ms(it.sorted.back())}};
  }
  return object.dump() + '\n';
}

}  // namespace sts::cli
