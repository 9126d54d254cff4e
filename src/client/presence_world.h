// A sender with a will and two readers, and what a broker makes of what it publishes.
#pragma once

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/channel_world.h"

namespace sts::client {

class PresenceWorld : public ChannelWorld {
 protected:
  PresenceWorld() {
    // Not the first epoch: nothing was lost.
    EXPECT_TRUE(writer().seal(message("before")));
    allow("office", office_, {.reads = {"plant/7"}});
    EXPECT_TRUE(store::add_peer(office_.home(), {"pump", key_of(pump_), {}, {.writes = {"#"}}}));
  }

  static mqtt::Message will(std::string topic = "plant/7") {
    return {std::move(topic), to_bytes(as_bytes("gone")), mqtt::Qos::at_least_once};
  }
  ChannelWriter willing() { return writer({.own_stream = true, .will = will()}); }
  static std::vector<mqtt::Message> online(ChannelWriter& sender) {
    auto out = *sender.reconnected();
    std::ranges::move(*sender.announce(), std::back_inserter(out));
    return out;
  }
  /// Whether it is shown as a will.
  static bool shows(ChannelReader& reader, const mqtt::Message& will) {
    const auto out = reader.on_message(will);
    return out.messages.size() == 1 && out.messages[0].will &&
           as_text(out.messages[0].message.payload) == "gone";
  }
  static std::size_t count(const ChannelReader::Output& output, std::string_view part) {
    return static_cast<std::size_t>(std::ranges::count_if(
        output.lines, [&](const Line& line) { return line.text.find(part) != std::string::npos; }));
  }
  /// What the broker would retain of these.
  static std::map<std::string, mqtt::Message> retained(const std::vector<mqtt::Message>& all) {
    std::map<std::string, mqtt::Message> out;
    for (const auto& one : all) {
      if (one.retain && !one.payload.empty()) out[one.topic] = one;
    }
    return out;
  }
  void lose_state() { EXPECT_TRUE(std::filesystem::remove(pump_.home().state_file())); }
  static void look(ChannelWriter& sender, const std::map<std::string, mqtt::Message>& retained) {
    EXPECT_TRUE(sender.look());
    for (const auto& [topic, one] : retained) sender.found(one);
  }
};

}  // namespace sts::client
