// What a sender shows of itself: wills and heartbeats.
#include "client/presence_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class ChannelPresence : public PresenceWorld {};

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

}  // namespace
}  // namespace sts::client
