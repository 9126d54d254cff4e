#include "shell/status.h"

#include <fmt/format.h>

namespace sts::shell {
namespace {

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
  table.row("  msg sealed", peer.sealed);
  table.row("  msg opened", peer.opened);
  table.row("  msg unacked", peer.unacknowledged);
}

}  // namespace

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
  table.row("sub_topic", status.subtop);
  table.row("pub_topic", status.pubtop);
  table.row("client_id", status.clientid.empty() ? "-" : status.clientid);
  table.row("sts_mode", status.mode);
  table.row("protocol", status.protocol);
  table.row("cipher", status.cipher);
  table.row("msg sent", status.sent);
  table.row("msg recv", status.received);
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
