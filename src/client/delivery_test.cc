// What becomes of messages that are refused, lost, or too many.
#include "client/pair_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class DeliveryTest : public PairWorld {};

TEST_F(DeliveryTest, TooLargeForTheBrokerIsRefusedAtOnce) {
  broker.maximum_packet_size = 1000;
  start_both();
  const auto sent = master->send_encrypted(std::string(2000, 'x'));
  EXPECT_EQ(sent.error().code, Errc::refused);
  EXPECT_TRUE(master->send_encrypted(std::string(800, 'y')));
  run_for(1s);
  EXPECT_EQ(slave.seen.messages, Strings{std::string(800, 'y')});
}

TEST_F(DeliveryTest, TooLargeAfterAReconnectIsGivenUpWithALineAndTheRestArrives) {
  start_both();
  broker.cut_all();
  run();
  EXPECT_TRUE(master->send_encrypted(std::string(5000, 'x')));
  EXPECT_TRUE(master->send_encrypted("short"));
  broker.maximum_packet_size = 1000;
  run_for(1min);
  EXPECT_EQ(slave.seen.messages, Strings{"short"});
  EXPECT_EQ(master.seen.count("was not delivered to pump"), 1U);
  EXPECT_EQ(master->status().peers[0].unacknowledged, 0U);
  master->stop(false);
  run();
  EXPECT_EQ(master.state(), State::stopped);
  ASSERT_TRUE(master.seen.failed);
  EXPECT_EQ(master.seen.failed->message, "1 message was not delivered");
}

TEST_F(DeliveryTest, WhatAPubackRefusesIsToldAndTheRestArrives) {
  start_both();
  broker.on_publish = [](auto&, const mqtt::Message& m) {
    return m.payload.size() > 1000 ? std::vector<mqtt::Message>{} : std::vector{m};
  };
  broker.on_puback = [](const mqtt::Message& m) -> std::optional<Result<void>> {
    if (m.payload.size() > 1000) return fail(Errc::limit, "over its limit");
    return Result<void>{};
  };
  EXPECT_TRUE(master->send_encrypted(std::string(5000, 'x')));
  EXPECT_TRUE(master->send_encrypted("short"));
  run_for(1min);
  EXPECT_EQ(slave.seen.messages, Strings{"short"});
  EXPECT_EQ(master.seen.count("was not delivered to pump"), 1U);
  talk();
}

TEST_F(DeliveryTest, ABrokerThatLetsNothingThroughIsToldOnce) {
  broker.on_puback = [](const mqtt::Message&) -> std::optional<Result<void>> {
    return fail(Errc::refused, "not authorised to publish there");
  };
  broker.on_publish = [](auto&, auto&) { return std::vector<mqtt::Message>{}; };
  run(master, config(Mode::initiator));
  run_for(10min);
  EXPECT_EQ(master.seen.count("not authorised to publish there"), 1U);
}

TEST_F(DeliveryTest, ALostPubackLosesNothing) {
  start_both();
  broker.on_puback = [](const mqtt::Message&) { return std::nullopt; };
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(master->send_encrypted(std::to_string(i)));
  run_for(10s);
  EXPECT_EQ(slave.seen.messages.size(), 100U);
  broker.cut_all();
  run_for(10s);
  EXPECT_EQ(slave.seen.messages.size(), 100U);
  EXPECT_EQ(master->status().peers[0].unacknowledged, 0U);
}

TEST_F(DeliveryTest, AFullBufferRefusesAndTellsWhenThereIsRoom) {
  start_both();
  broker.cut_all();
  run();
  Result<void> sent;
  std::size_t accepted = 0;
  while ((sent = master->send_encrypted("x"))) ASSERT_LT(++accepted, 100'000U);
  EXPECT_EQ(sent.error().code, Errc::limit);
  EXPECT_EQ(master.seen.rooms, 0);
  run_for(1min);
  EXPECT_EQ(master.seen.rooms, 1);
  EXPECT_TRUE(master->send_encrypted("again"));
  run_for(1s);
  EXPECT_EQ(slave.seen.messages.size(), accepted + 1);
}

TEST_F(DeliveryTest, APeerThatIsRestartedGetsWhatItMissed) {
  start_both();
  talk();
  slave.client.reset();
  EXPECT_TRUE(master->send_encrypted("while you were away"));
  run_for(5s);
  Side& second = side();
  std::filesystem::create_directories(second.home.directory());
  std::filesystem::copy(slave.home.directory(), second.home.directory(),
                        std::filesystem::copy_options::recursive);
  run(second, config(Mode::responder));
  run_for(2min);
  EXPECT_EQ(second.seen.messages, Strings{"while you were away"});
  EXPECT_TRUE(master.seen.logged("restarted"));
  EXPECT_EQ(master.state(), State::up);
}

TEST_F(DeliveryTest, RekeysWithoutLossAndSaysSo) {
  auto often = config(Mode::initiator);
  often.rekey_after_messages = 8;
  run(slave, config(Mode::responder));
  run(master, std::move(often));
  Strings texts;
  for (int i = 0; i < 200; ++i) {
    texts.push_back(std::to_string(i));
    EXPECT_TRUE(master->send_encrypted(texts.back()));
    if (i % 3 == 0) run_for(200ms);
  }
  run_for(10s);
  EXPECT_EQ(slave.seen.messages, texts);
  EXPECT_GT(slave.seen.count("has new keys"), 5U);
}

}  // namespace
}  // namespace sts::client
