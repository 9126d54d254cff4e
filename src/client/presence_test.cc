// What each connection gets: the look, the keys, the will; through an uplink.
#include "client/presence.h"

#include "client/presence_world.h"
#include "mqtt/fake.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

/// A connection to a broker in memory.
class PresenceTest : public PresenceWorld, private Uplink::Owner {
 protected:
  void open(std::optional<Duration> heartbeat = {}) {
    writer_.emplace(willing());
    presence_.emplace(
        loop_, [this] { return now_; }, Presence::through(uplink_), *writer_,
        heartbeat.value_or(Duration::zero()),
        Presence::Owner{[this](const auto& messages) {
                          for (const auto& one : messages) {
                            unanswered_ += uplink_.publish(one) ? 1 : 0;
                          }
                        },
                        [this] { return unanswered_ == 0; }, [this] { ++ready_; },
                        [](const Line& line) { ADD_FAILURE() << line.text; }});
    uplink_.open({});
    run();
  }
  void run() {
    do {
      broker_.run();
      loop_.restart();
    } while (loop_.poll() != 0);
  }
  /// Those with a type, as the broker saw them since the last call.
  std::size_t published(std::uint8_t type) {
    return static_cast<std::size_t>(std::ranges::count_if(broker_.published, [&](auto& one) {
      return !one.payload.empty() && one.payload[0] == type;
    }));
  }

  void on_connecting(mqtt::Options& options) override {
    presence_->on_connecting(options);
    wills_.push_back(options.will);
  }
  void on_online(const mqtt::Connected&) override { presence_->on_online(); }
  void on_offline() override { presence_->on_offline(); }
  void on_no_connection(const Error&, int) override {}
  void on_message(mqtt::Message message) override { presence_->on_message(message); }
  void on_published(mqtt::PublishId, const Result<void>&) override {
    --unanswered_;
    presence_->settle();
  }
  void on_subscribed(const std::string& filter, const Result<mqtt::Qos>& granted) override {
    presence_->on_subscribed(filter, granted);
  }
  void on_unsubscribed(const std::string& filter, const Result<void>&) override {
    presence_->on_unsubscribed(filter);
  }
  void log(const Line&) override {}

  asio::io_context loop_;
  mqtt::FakeBroker broker_;
  mqtt::FakeTransport* transport_ = nullptr;
  Uplink uplink_{loop_, [this] { return now_; }, random_, *this,
                 [this](mqtt::Handler& handler) {
                   auto made = std::make_unique<mqtt::FakeTransport>(broker_, handler);
                   transport_ = made.get();
                   return made;
                 }};
  std::optional<ChannelWriter> writer_;
  std::optional<Presence> presence_;
  std::vector<std::optional<mqtt::Message>> wills_;  // of each CONNECT
  int unanswered_ = 0, ready_ = 0;
};

TEST_F(PresenceTest, TheFirstConnectionHasAWill) {
  open();
  ASSERT_EQ(wills_.size(), 1U);
  EXPECT_TRUE(wills_[0]);
  EXPECT_EQ(ready_, 1);
  EXPECT_EQ(published(0x10), 1U);
  EXPECT_EQ(published(0x11), 1U);  // ONLINE
  EXPECT_TRUE(presence_->may_seal());
  EXPECT_TRUE(transport_->subscriptions().empty());
}

TEST_F(PresenceTest, AfterALossOfStateTheSecondHas) {
  lose_state();
  open();
  ASSERT_EQ(wills_.size(), 2U);
  EXPECT_FALSE(wills_[0]);
  EXPECT_TRUE(wills_[1]);
  EXPECT_EQ(ready_, 1);
  EXPECT_EQ(published(0x11), 1U);
}

TEST_F(PresenceTest, ABrokerThatRefusesTheLook) {
  broker_.on_subscribe = [](const std::string&) -> Result<void> {
    return fail(Errc::refused, "not allowed");
  };
  lose_state();
  open();
  EXPECT_TRUE(wills_.back());
  EXPECT_EQ(ready_, 1);
}

TEST_F(PresenceTest, ABrokerThatHangsUpOnTheLookIsNotAskedAgain) {
  int asked = 0;
  broker_.on_subscribe = [&](const std::string&) -> Result<void> {
    ++asked;
    broker_.cut_all();
    return {};
  };
  lose_state();
  open();
  now_ += 1min;
  uplink_.advance();
  run();
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(wills_.back());
  EXPECT_EQ(ready_, 1);
}

TEST_F(PresenceTest, ARenewedKeyIsToldBeforeTheConnectionThatNeedsIt) {
  open();
  broker_.published.clear();
  pass(1h);
  presence_->check();
  EXPECT_FALSE(presence_->may_seal());
  EXPECT_EQ(wills_.size(), 1U) << "not while the keys are unanswered";
  run();
  ASSERT_EQ(wills_.size(), 2U);
  EXPECT_TRUE(presence_->may_seal());
  EXPECT_EQ(ready_, 2);
  EXPECT_EQ(broker_.published[0].payload[0], 0x10);
  EXPECT_EQ(broker_.published.back().payload[0], 0x11);
}

}  // namespace
}  // namespace sts::client
