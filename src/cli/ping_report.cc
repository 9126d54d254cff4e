// What `sts ping` found out, for people and for programs.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/ping.h"

namespace sts::cli {
namespace {

double ms(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

struct Spread {
  double least, median, most;  // ms
};

Spread spread(std::vector<Duration> times) {
  std::ranges::sort(times);
  const auto half = times.size() / 2;
  const auto median = times.size() % 2 == 1 ? times[half] : (times[half - 1] + times[half]) / 2;
  return {ms(times.front()), ms(median), ms(times.back())};
}

const char* packets(const PingFindings& findings) {
  return findings.with_publish ? "PUBLISH" : "SUBSCRIBE";
}

std::string or_none(std::uint64_t value, const char* unit) {
  return value == 0 ? "none" : fmt::format("{}{}", value, unit);
}

std::string row(const char* name, const std::string& value) {
  return fmt::format("  {:<20} {}\n", name, value);
}

const char* yes_no(bool yes) { return yes ? "yes" : "no"; }

}  // namespace

std::string ping_text(const PingFindings& findings) {
  const auto& broker = findings.connected;
  auto text = fmt::format("connected to {} in {:.2f} ms (MQTT {})\n", findings.broker,
                          ms(findings.connecting), mqtt::version_number(broker.version));
  if (!broker.assigned_client_id.empty()) {
    text += row("client id", broker.assigned_client_id + " (the broker's choice)");
  } else if (!findings.client_id.empty()) {
    text += row("client id", findings.client_id);
  }
  text += row("keep alive", or_none(static_cast<std::uint64_t>(broker.keep_alive.count()), " s"));
  text += row("session expiry",
              or_none(static_cast<std::uint64_t>(broker.session_expiry.count()), " s"));
  text += row("receive maximum", std::to_string(broker.receive_maximum));
  text += row("maximum packet size", or_none(broker.maximum_packet_size, " bytes"));
  text += row("maximum QoS", std::to_string(static_cast<int>(broker.maximum_qos)));
  text += row("retained messages", yes_no(broker.retain_available));
  text += row("wildcards", yes_no(broker.wildcards_available));
  text += row("shared subscriptions", yes_no(broker.shared_available));
  text += row("topic aliases", or_none(broker.topic_alias_maximum, ""));
  if (!findings.why_not_publish.empty()) {
    text += fmt::format("timing SUBSCRIBE, not PUBLISH: {}\n", findings.why_not_publish);
  }
  for (std::size_t i = 0; i < findings.round_trips.size(); ++i) {
    text +=
        fmt::format("{} {}: {:.3f} ms\n", packets(findings), i + 1, ms(findings.round_trips[i]));
  }
  if (findings.round_trips.empty()) return text;
  const auto times = spread(findings.round_trips);
  text += fmt::format("{} round trips, {} lost; min {:.3f}, median {:.3f}, max {:.3f} ms\n",
                      findings.round_trips.size(), findings.lost, times.least, times.median,
                      times.most);
  return text;
}

std::string ping_json(const PingFindings& findings) {
  const auto& broker = findings.connected;
  nlohmann::ordered_json object;
  object["broker"] = findings.broker;
  object["connect_ms"] = ms(findings.connecting);
  object["mqtt_version"] = mqtt::version_number(broker.version);
  object["client_id"] =
      broker.assigned_client_id.empty() ? findings.client_id : broker.assigned_client_id;
  object["client_id_assigned"] = !broker.assigned_client_id.empty();
  object["keep_alive"] = broker.keep_alive.count();
  object["session_expiry"] = broker.session_expiry.count();
  object["receive_maximum"] = broker.receive_maximum;
  object["maximum_packet_size"] = broker.maximum_packet_size;
  object["maximum_qos"] = static_cast<int>(broker.maximum_qos);
  object["retain_available"] = broker.retain_available;
  object["wildcards_available"] = broker.wildcards_available;
  object["shared_available"] = broker.shared_available;
  object["topic_alias_maximum"] = broker.topic_alias_maximum;
  object["measured"] = packets(findings);
  object["round_trips"] = findings.round_trips.size();
  object["lost"] = findings.lost;
  if (!findings.round_trips.empty()) {
    const auto times = spread(findings.round_trips);
    object["round_trip_ms"] = {{"min", times.least}, {"median", times.median}, {"max", times.most}};
  }
  using Json = nlohmann::ordered_json;
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace sts::cli
