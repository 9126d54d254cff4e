// What a sender shows of itself: wills, heartbeats, and what it finds of its own at the broker.
#include "client/channel_world.h"
#include "client/presence.h"
#include "mqtt/fake.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class ChannelPresence : public ChannelWorld {
 protected:
  ChannelPresence() {
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

TEST_F(ChannelPresence, EachConnectionHasAWillOfItsOwn) {
  auto sender = willing();
  auto gateway = reader(gateway_);
  const auto first = *sender.connecting();
  ASSERT_TRUE(first);
  EXPECT_EQ(as_text(first->payload).find("gone"), std::string::npos);
  EXPECT_FALSE(sender.will_outdated());
  EXPECT_EQ(take(gateway, online(sender)), Texts{});
  const auto second = *sender.connecting();
  EXPECT_EQ(take(gateway, online(sender)), Texts{});
  EXPECT_FALSE(shows(gateway, *first));  // of the connection before
  EXPECT_TRUE(shows(gateway, *second));
  EXPECT_FALSE(shows(gateway, *second));
  EXPECT_EQ(gateway.report()[0].counted.counts.missing, 0U);
}

TEST_F(ChannelPresence, AWillThatFiresBeforeItsKeysWaitsForThem) {
  auto sender = willing();
  auto gateway = reader(gateway_);
  EXPECT_FALSE(shows(gateway, **sender.connecting()));
  Texts wills;
  const auto keys = *sender.reconnected();
  for (const auto& one : keys) {
    for (const auto& received : gateway.on_message(one).messages) {
      EXPECT_TRUE(received.will);
      wills.emplace_back(as_text(received.message.payload));
    }
  }
  EXPECT_EQ(wills, Texts{"gone"});
}

TEST_F(ChannelPresence, AWillIsRenewedWithItsKey) {
  auto sender = willing();
  auto gateway = reader(gateway_);
  const auto first = *sender.connecting();
  take(gateway, online(sender));
  pass(59min);
  EXPECT_TRUE(sender.renew_will()->empty());
  EXPECT_FALSE(sender.will_outdated());
  pass(1min);
  take(gateway, *sender.renew_will());
  EXPECT_TRUE(sender.will_outdated());
  EXPECT_TRUE(shows(gateway, *first));  // it broke right then
  const auto second = *sender.connecting();
  EXPECT_FALSE(sender.will_outdated());
  take(gateway, online(sender));
  EXPECT_TRUE(shows(gateway, *second));
}

TEST_F(ChannelPresence, WhoIsRemovedOpensNoLaterWill) {
  auto sender = willing();
  auto gateway = reader(gateway_), office = reader(office_);
  const auto first = *sender.connecting();
  for (auto* reader : {&gateway, &office}) take(*reader, online(sender));
  EXPECT_TRUE(shows(office, *first));
  EXPECT_TRUE(store::remove_peer(pump_.home(), "office"));
  const auto keys = *sender.renew_will();
  EXPECT_TRUE(sender.will_outdated());
  const auto second = *sender.connecting();
  for (auto* reader : {&gateway, &office}) {
    take(*reader, keys);
    take(*reader, online(sender));
  }
  EXPECT_FALSE(shows(office, *second));
  EXPECT_TRUE(shows(gateway, *second));
  // With the last reader the will goes.
  EXPECT_TRUE(store::remove_peer(pump_.home(), "gateway"));
  const auto removals = *sender.renew_will();
  for (const auto& one : removals) EXPECT_TRUE(one.payload.empty());
  EXPECT_TRUE(sender.will_outdated());
  EXPECT_FALSE(*sender.connecting());
  EXPECT_FALSE(sender.will_outdated());
}

TEST_F(ChannelPresence, AStreamEndsWhenItsReadersChange) {
  auto sender = willing();
  auto gateway = reader(gateway_), office = reader(office_);
  auto sent = *sender.seal(message("1"));
  const auto withheld = sender.seal(message("2"))->back();
  EXPECT_TRUE(store::remove_peer(pump_.home(), "office"));
  const auto next = *sender.seal(message("3"));
  sent.insert(sent.end(), next.begin(), next.end());
  EXPECT_EQ(take(office, sent), Texts{"1"});
  EXPECT_EQ(take(gateway, sent), (Texts{"1", "3"}));
  EXPECT_EQ(gateway.report()[0].counted.counts.missing, 1U) << "the end of the first is told";
  const auto late = gateway.on_message(withheld).messages;
  ASSERT_EQ(late.size(), 1U);
  EXPECT_TRUE(late[0].late) << "whatever an office says under that key";
  std::set<std::string> keys;
  for (const auto& one : sent) {
    if (!one.retain) continue;
    one.payload.empty() ? keys.erase(one.topic) : keys.insert(one.topic).second;
  }
  EXPECT_EQ(keys.size(), 1U);
}

TEST_F(ChannelPresence, WillsThatCanNotBeSealed) {
  const auto refused = [&](mqtt::Message will) {
    const auto opened = ChannelWriter::open(
        pump_.home(), {.own_stream = true, .will = std::move(will)}, [this] { return now_; },
        [this] { return wall_; }, random_);
    return opened ? std::string() : opened.error().message;
  };
  EXPECT_NE(refused(will("office/door")).find("nobody may read office/door"), std::string::npos);
  auto retained = will();
  retained.retain = true;
  EXPECT_NE(refused(retained).find("not retained"), std::string::npos);
  auto longest = will();
  longest.payload.resize(63'000);
  EXPECT_EQ(refused(longest), "");
  for (const auto pad : {channel::Pad::none, channel::Pad::to_16, channel::Pad::padme}) {
    auto sender =
        writer({.sender = {.pad = pad, .sign = true}, .own_stream = true, .will = longest});
    EXPECT_LE((*sender.connecting())->payload.size(), 65'535U);
  }
  longest.payload.push_back(0);
  EXPECT_NE(refused(longest).find("longer"), std::string::npos);
}

TEST_F(ChannelPresence, AHeartbeatShowsAWithheldTail) {
  for (const bool own_stream : {true, false}) {
    auto sender = writer(own_stream);
    auto gateway = reader(gateway_);
    EXPECT_EQ(take(gateway, *sender.seal(message("1"))), Texts{"1"});
    EXPECT_TRUE(sender.seal(message("withheld")));
    EXPECT_EQ(gateway.report()[0].counted.counts.missing, 0U);
    EXPECT_EQ(take(gateway, *sender.heartbeat()), Texts{});
    EXPECT_EQ(gateway.report()[0].counted.counts.missing, 1U) << own_stream;
    pass(3h);  // and goes on when the key is too old
    EXPECT_EQ(take(gateway, *sender.heartbeat()), Texts{});
    EXPECT_EQ(gateway.report()[0].counted.counts.missing, 1U) << own_stream;
  }
}

TEST_F(ChannelPresence, NoHeartbeatWithoutMessages) {
  EXPECT_TRUE(writer(true).heartbeat()->empty());
}

TEST_F(ChannelPresence, ASenderThatLostItsStateIsStillBelieved) {
  auto gateway = reader(gateway_);
  // So many that the reader has forgotten the first, and takes none so low any more.
  for (std::size_t i = 0; i <= channel::epochs_of_sender; ++i) {
    EXPECT_EQ(take(gateway, *writer(true).seal(message("x"))), Texts{"x"});
  }
  const auto before = retained(*writer().seal(message("before", true)));
  for (const bool looks : {false, true}) {
    lose_state();
    wall_ = {};  // no clock at boot
    auto sender = writer();
    if (looks) {
      look(sender, before);
      EXPECT_TRUE(sender.looked()->empty());  // a retained message may need the old key
    }
    const auto after = *sender.seal(message("after"));
    ChannelReader::Output told;
    for (const auto& one : after) {
      auto out = gateway.on_message({one.topic, one.payload, one.qos});
      std::ranges::move(out.messages, std::back_inserter(told.messages));
      std::ranges::move(out.lines, std::back_inserter(told.lines));
    }
    EXPECT_EQ(told.messages.size(), looks ? 1U : 0U);
    EXPECT_EQ(count(told, "an old key of pump"), looks ? 0U : 1U);
  }
}

TEST_F(ChannelPresence, ASenderWhoseStateIsOlderStillSigns) {
  const auto path = pump_.home().state_file();
  {
    auto unsigned_yet = writer();
    EXPECT_TRUE(unsigned_yet.seal(message("1")) && unsigned_yet.confirm());
  }
  const auto older = store::TestHome::read(path);
  pass(1h);
  const auto left = retained(*writer({.sender = {.sign = true}}).seal(message("signed")));
  const auto highest = channel::decode_key_packet(left.begin()->second.payload)->header.epoch;
  wall_ -= 2h;
  store::TestHome::write(path, older);
  // Where the file system has no marks.
  ASSERT_TRUE(store::Database::open(path)->run("UPDATE identity SET in_file = 1000"));
  EXPECT_NE(writer().warning(), "") << "told to a process that doesn't get to look";
  for (const bool own_stream : {false, true}) {
    auto sender = writer(own_stream);
    look(sender, left);
    EXPECT_TRUE(sender.looked());
    EXPECT_TRUE(sender.signs());
    const auto sealed = *sender.seal(message("x"));
    const auto key = channel::decode_key_packet(sealed[0].payload);
    ASSERT_TRUE(key);
    EXPECT_GT(key->header.epoch, highest);
    EXPECT_TRUE(key->header.signing_key);
  }
  EXPECT_FALSE(writer().look());
}

TEST_F(ChannelPresence, OnlyItsOwnPacketsCount) {
  auto forged = retained(*writer().seal(message("x")));
  for (auto& [topic, one] : forged) one.payload[1 + 1 + 8] |= 0x7F;  // a higher number
  lose_state();
  wall_ = {};
  auto sender = writer();
  look(sender, forged);
  EXPECT_TRUE(sender.looked());
  const auto sealed = *sender.seal(message("y"));
  EXPECT_EQ(channel::decode_key_packet(sealed[0].payload)->header.epoch, 1U);
}

TEST_F(ChannelPresence, NoEpochBeginsBeforeTheLook) {
  lose_state();
  auto sender = willing();
  EXPECT_FALSE(*sender.connecting());
  EXPECT_TRUE(sender.renew_will()->empty());
  EXPECT_FALSE(sender.will_outdated());
  EXPECT_TRUE(sender.looked());
  EXPECT_FALSE(sender.look());
  EXPECT_FALSE(sender.renew_will()->empty());
  EXPECT_TRUE(sender.will_outdated());
}

TEST_F(ChannelPresence, WhatAKilledProcessLeftIsTakenAway) {
  std::map<std::string, mqtt::Message> left;
  {
    auto killed = writer(true);
    left = retained(*killed.seal(message("1")));
    ASSERT_EQ(left.size(), 1U);
    const auto stored = retained(*writer().seal(message("kept", true)));
    left.insert(stored.begin(), stored.end());
  }
  const auto taken_away = [&] {
    auto sender = writer(true);
    look(sender, left);
    std::vector<std::string> out;
    const auto removals = *sender.looked();
    for (const auto& one : removals) {
      EXPECT_TRUE(one.payload.empty() && one.retain);
      out.push_back(one.topic);
    }
    return out;
  };
  EXPECT_TRUE(taken_away().empty());  // another process may still use it
  pass(2h);
  EXPECT_EQ(taken_away().size(), 1U);
  EXPECT_FALSE(writer(false).look());  // one message isn't worth it
  wall_ = {};
  EXPECT_TRUE(taken_away().empty());  // nobody knows how old it is
}

/// A connection to a broker in memory.
class PresenceTest : public ChannelPresence, private Uplink::Owner {
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
