#include "shell/status.h"

#include <fmt/format.h>

#include "client/channel_reader.h"

namespace sts::shell {
namespace {

class Table {
 public:
  template <typename T>
  void row(std::string_view name, const T& value) {
    lines_.push_back(fmt::format("sts: {:<16} {}", fmt::format("{}:", name), value));
  }
  std::vector<std::string> take() { return std::move(lines_); }

 private:
  std::vector<std::string> lines_;
};

void add_peer(Table& table, const client::PeerStatus& peer) {
  table.row("peer", peer.name.empty() ? "(no name)" : peer.name);
  table.row("  public key", peer.public_key);
  table.row("  fingerprint", peer.fingerprint);
  table.row("  session", peer.up ? "up for " + format_age(peer.age) : "not up");
  table.row("  frames sealed", peer.sealed);
  table.row("  frames opened", peer.opened);
  table.row("  msg unacked", peer.unacknowledged);
}

/// Of all senders and topics together.
channel::Counts sum(const std::vector<client::ChannelReport>& reports) {
  channel::Counts out;
  for (const auto& [sender, counted] : reports) {
    const auto& counts = counted.counts;
    out.delivered += counts.delivered;
    out.missing += counts.missing;
    out.repeated += counts.repeated;
    out.reordered += counts.reordered;
    out.late += counts.late;
    out.forged += counts.forged;
    out.rolled_back += counts.rolled_back;
  }
  return out;
}

}  // namespace

std::string topic_line(const client::Topic& topic) {
  const int asked = static_cast<int>(topic.asked);
  if (!topic.granted)
    return fmt::format("{}  QoS {} asked for, no answer yet", topic.filter, asked);
  const int granted = static_cast<int>(*topic.granted);
  return fmt::format("{}  QoS {}", topic.filter, granted) +
         (granted == asked ? "" : fmt::format(" ({} asked for)", asked));
}

std::string_view state_name(client::State state) {
  switch (state) {
    case client::State::stopped:
      return "OFFLINE";
    case client::State::connecting:
      return "CONNECTING to the broker";
    case client::State::waiting:
      return "WAITING for the peer";
    case client::State::up:
      return "ONLINE";
    case client::State::stopping:
      return "STOPPING";
  }
  return "";
}

std::vector<std::string> status_lines(const client::Status& status) {
  Table table;
  table.row("status", state_name(status.state));
  if (status.state == client::State::stopped) return table.take();
  table.row("config", status.config);
  table.row("mqtt version", status.mqtt_version);
  table.row("broker_url", status.url);
  table.row("broker_port", status.port);
  table.row("broker", status.broker_connected ? "connected" : "not connected");
  table.row("username", status.username.empty() ? "-" : status.username);
  table.row("sub_topic", status.subtop.empty() ? "-" : status.subtop);
  table.row("pub_topic", status.pubtop.empty() ? "-" : status.pubtop);
  table.row("client_id", status.clientid.empty() ? "-" : status.clientid);
  table.row("sts_mode", status.mode);
  table.row("protocol", status.protocol);
  table.row("cipher", status.cipher);
  table.row("msg sent", status.sent);
  table.row("msg recv", status.received);
  if (status.outbox) table.row("outbox", *status.outbox);
  if (!status.reports.empty()) table.row("channels", client::to_words(sum(status.reports)));
  for (const auto& peer : status.peers) add_peer(table, peer);
  return table.take();
}

std::string format_age(Duration age) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count();
  const auto minutes = seconds / 60;
  const auto hours = minutes / 60;
  if (minutes == 0) return fmt::format("{} s", seconds);
  if (hours == 0) return fmt::format("{} min {} s", minutes, seconds % 60);
  if (hours < 24) return fmt::format("{} h {} min", hours, minutes % 60);
  return fmt::format("{} d {} h", hours / 24, hours % 24);
}

}  // namespace sts::shell
