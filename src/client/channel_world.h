// Writers and readers of channels, each with a home of its own, and a broker that is a loop.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "client/channel_reader.h"
#include "client/channel_writer.h"
#include "crypto/random.h"
#include "store/identity.h"
#include "store/test_home.h"

namespace sts::client {

class ChannelWorld : public testing::Test {
 public:
  using Texts = std::vector<std::string>;

 protected:
  ChannelWorld() {
    allow("gateway", gateway_, {.reads = {"plant/#"}});
    const auto sender = key_of(pump_);
    EXPECT_TRUE(store::add_peer(gateway_.home(), {"pump", sender, {}, {.writes = {"plant/#"}}}));
  }

  static crypto::PublicKey key_of(const store::TestHome& home) {
    crypto::SystemRandom random;
    return store::load_or_create_identity(home.home(), random)->pair.public_key;
  }
  void allow(const std::string& name, const store::TestHome& reader, store::Rights rights) {
    EXPECT_TRUE(store::add_peer(pump_.home(), {name, key_of(reader), {}, std::move(rights)}));
  }

  /// Another process of the sender.
  ChannelWriter writer(bool own_stream = false) { return writer({.own_stream = own_stream}); }
  ChannelWriter writer(ChannelOptions options) {
    return *ChannelWriter::open(
        pump_.home(), std::move(options), [this] { return now_; }, [this] { return wall_; },
        random_);
  }
  ChannelReader reader(const store::TestHome& home) {
    return *ChannelReader::open(
        home.home(), {.filters = {"plant/#"}}, [this] { return now_; }, [this] { return wall_; },
        random_);
  }
  static mqtt::Message message(const std::string& text, bool retain = false) {
    return {"plant/7", to_bytes(as_bytes(text)), mqtt::Qos::at_least_once, retain};
  }
  static Texts take(ChannelReader& reader, const std::vector<mqtt::Message>& messages) {
    Texts out;
    for (auto one : messages) {
      one.retain = false;  // as the broker hands it to who is subscribed
      for (const auto& received : reader.on_message(one).messages) {
        out.emplace_back(as_text(received.message.payload));
      }
    }
    return out;
  }
  void pass(Duration time) {
    now_ += time;
    wall_ += std::chrono::floor<std::chrono::system_clock::duration>(time);
  }

  Instant now_{};
  std::chrono::system_clock::time_point wall_{
      std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};
  crypto::SystemRandom random_;
  store::TestHome pump_, gateway_, office_;
};

}  // namespace sts::client
