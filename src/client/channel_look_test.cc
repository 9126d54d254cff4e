// What a sender finds of its own at the broker before it seals.
#include "client/presence_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class ChannelLook : public PresenceWorld {};

TEST_F(ChannelLook, ASenderThatLostItsStateIsStillBelieved) {
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

TEST_F(ChannelLook, ASenderWhoseStateIsOlderStillSigns) {
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

TEST_F(ChannelLook, OnlyItsOwnPacketsCount) {
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

TEST_F(ChannelLook, NoEpochBeginsBeforeTheLook) {
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

TEST_F(ChannelLook, WhatAKilledProcessLeftIsTakenAway) {
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

}  // namespace
}  // namespace sts::client
