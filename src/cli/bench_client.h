// One client of `sts bench`, of either side.
#pragma once

#include <functional>
#include <utility>

#include "cli/report.h"
#include "client/client.h"

namespace sts::cli {

class BenchClient final : private client::Observer {
 public:
  struct Owner {
    std::function<void()> up;    // for the first time
    std::function<void()> room;  // after a send that said Errc::limit
    std::function<void(ByteView)> message;
    std::function<void(bool failed)> stopped;
  };

  BenchClient(asio::io_context& loop, const store::Home& home, Random& random, Owner owner)
      : owner_(std::move(owner)), client_(loop, home, random, *this) {}

  Result<void> start(client::Config config) {
    plain_ = config.mode == client::Mode::nosec;
    return client_.start(std::move(config), std::chrono::seconds(30));
  }
  Result<void> send(ByteView payload) {
    return plain_ ? client_.send(as_text(payload)) : client_.send_encrypted(as_text(payload));
  }
  void stop(bool impatient) { client_.stop(impatient); }

 private:
  void on_log(const client::Line& line) override { show(line); }
  void on_message(const client::Received& received) override {
    if (owner_.message) owner_.message(received.message.payload);
  }
  void on_sent(ByteView) override {}
  void on_room() override {
    if (owner_.room) owner_.room();
  }
  void on_state(client::State state, const std::optional<Error>& failed) override {
    if (state == client::State::up && !std::exchange(was_up_, true)) owner_.up();
    if (state == client::State::stopped) owner_.stopped(failed.has_value());
  }

  Owner owner_;
  client::Client client_;
  bool plain_ = false, was_up_ = false;
};

}  // namespace sts::cli
