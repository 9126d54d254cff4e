// A client of a real broker that waits for answers.
#pragma once

#include "mqtt/mosquitto.h"
#include "mqtt/test_support.h"

namespace sts::mqtt {

inline Options at(std::uint16_t port, Version version = Version::v5) {
  Options options;
  options.host = "127.0.0.1";
  options.port = port;
  options.version = version;
  return options;
}

struct Client {
  explicit Client(asio::io_context& io) : loop(io) {}
  bool connect(const Options& options) {
    heard.connected.reset();
    heard.disconnected.reset();
    transport.connect(options);
    return run_until(loop, [&] { return heard.connected || heard.disconnected; }) &&
           heard.connected.has_value();
  }
  /// Why connect() failed; the empty message where it worked.
  Error refused(const Options& options) {
    return connect(options) ? Error{Errc::io, ""}
                            : heard.disconnected.value_or(Error{Errc::io, ""});
  }
  Result<void> subscribe(const std::string& topic, Qos qos) {
    transport.subscribe({topic, qos, true});
    if (!run_until(loop, [&] { return heard.subscribed.contains(topic); })) {
      return fail(Errc::io, "no SUBACK");
    }
    return heard.subscribed.at(topic).map([](Qos) {});
  }
  Result<void> publish(const std::string& topic, ByteView payload, Qos qos, bool retain = false) {
    return publish(Message{topic, to_bytes(payload), qos, retain});
  }
  Result<void> publish(const Message& message) {
    auto id = transport.publish(message);
    if (!id) return tl::unexpected<Error>(id.error());
    if (!run_until(loop, [&] { return heard.published.contains(*id); })) {
      return fail(Errc::io, "no PUBACK");
    }
    return heard.published.at(*id);
  }
  bool wait_messages(std::size_t count) {
    return run_until(loop, [&] { return heard.messages.size() >= count; });
  }
  bool wait_disconnected() {
    return run_until(loop, [&] { return heard.disconnected.has_value(); });
  }

  asio::io_context& loop;
  Recorder heard;
  Mosquitto transport{loop, heard};
};

}  // namespace sts::mqtt
