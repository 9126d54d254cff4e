// What a reader with an id keeps for its next process.
#include <optional>

#include "client/channel_world.h"
#include "store/database.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class ChannelReaderKept : public ChannelWorld {
 protected:
  /// One that goes on where the last with this id ended.
  Result<ChannelReader> keeper(const std::string& id = "a", const std::string& filter = "plant/#") {
    return ChannelReader::open(
        gateway_.home(), {.filters = {filter}, .client_id = id}, [this] { return now_; },
        [this] { return wall_; }, random_);
  }
};

TEST_F(ChannelReaderKept, TheNextReaderOfAnIdGoesOn) {
  const auto first = *writer().seal(message("1"));
  const auto retained = *writer().seal(message("2", true));
  {
    auto gateway = *keeper();
    EXPECT_EQ(take(gateway, first), Texts{"1"});
    EXPECT_EQ(take(gateway, retained), Texts{"2"});
    EXPECT_TRUE(gateway.save()->lines.empty());
  }
  EXPECT_TRUE(writer().seal(message("withheld")));
  const auto last = *writer().seal(message("4"));
  auto gateway = *keeper();
  EXPECT_EQ(take(gateway, first), Texts{});
  EXPECT_TRUE(gateway.on_message(retained.back()).messages.empty());  // with the RETAIN flag
  EXPECT_EQ(take(gateway, last), Texts{"4"});
  const auto counts = gateway.report()[0].counted.counts;
  EXPECT_EQ(counts.delivered, 3U);
  EXPECT_EQ(counts.repeated, 1U);
  EXPECT_EQ(counts.missing, 1U);
  auto other = *keeper("b");
  EXPECT_EQ(take(other, first), Texts{"1"});
  EXPECT_EQ(take(other, retained), Texts{"2"});
}

TEST_F(ChannelReaderKept, OfACrashedReaderWhatWasSavedCounts) {
  const auto first = *writer().seal(message("1"));
  std::optional<ChannelReader> gateway(*keeper());
  EXPECT_EQ(take(*gateway, first), Texts{"1"});
  EXPECT_TRUE(gateway->save()->lines.empty());
  const auto second = *writer().seal(message("2"));
  EXPECT_EQ(take(*gateway, second), Texts{"2"});
  gateway.reset();
  gateway.emplace(*keeper());
  EXPECT_EQ(take(*gateway, first), Texts{});
  EXPECT_EQ(take(*gateway, second), Texts{"2"});
}

TEST_F(ChannelReaderKept, WhatWaitsForItsKeyIsSavedToo) {
  auto sealed = *writer().seal(message("1"));
  const auto key = sealed.front();
  const auto waits = sealed.back();
  const auto later = (*writer().seal(message("2"))).back();  // under the same key
  std::optional<ChannelReader> gateway(*keeper());
  EXPECT_EQ(take(*gateway, {waits}), Texts{});
  pass(1s);
  EXPECT_EQ(take(*gateway, {later}), Texts{});
  EXPECT_TRUE(gateway->save());
  EXPECT_TRUE(gateway->finish().lines.empty());  // the next one has it
  gateway.reset();
  gateway.emplace(*keeper());
  EXPECT_EQ(gateway->next_deadline(), now_ + 59s);
  EXPECT_EQ(take(*gateway, {key}), (Texts{"1", "2"}));
  EXPECT_TRUE(gateway->save());
  gateway.reset();
  gateway.emplace(*keeper());
  EXPECT_EQ(gateway->next_deadline(), never);
  EXPECT_EQ(take(*gateway, {key, waits, later}), Texts{});
  EXPECT_EQ(gateway->report()[0].counted.counts.repeated, 2U);
}

TEST_F(ChannelReaderKept, WhatWaitedTooLongWaitsNoMoreAtTheNextReader) {
  const auto waits = (*writer().seal(message("1"))).back();
  std::optional<ChannelReader> gateway(*keeper());
  EXPECT_EQ(take(*gateway, {waits}), Texts{});
  EXPECT_TRUE(gateway->save());
  pass(60s);
  EXPECT_EQ(gateway->advance().lines.size(), 1U);
  EXPECT_TRUE(gateway->save());
  gateway.reset();
  gateway.emplace(*keeper());
  EXPECT_EQ(gateway->next_deadline(), never);
}

TEST_F(ChannelReaderKept, OneReaderAtATimeHasAnId) {
  const auto gateway = keeper();
  const auto second = keeper();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::refused);
  EXPECT_TRUE(keeper("b"));
}

TEST_F(ChannelReaderKept, ASenderThatLostItsStateIsTakenAgainWhenItIsReset) {
  const auto reset = [&] {
    auto state = *store::State::open(
        gateway_.home(), store::load_or_create_identity(gateway_.home(), random_)->pair.private_key,
        random_);
    auto change = *state.begin();
    EXPECT_EQ(change.remove_readers(channel::sender_id(key_of(pump_)).bytes), 1U);
    EXPECT_TRUE(change.commit());
  };
  const auto send = [&](const std::string& text, bool sign) {
    auto one = *ChannelWriter::open(
        pump_.home(), {.sender = {.sign = sign}}, [this] { return now_; }, [this] { return wall_; },
        random_);
    return *one.seal(message(text));
  };
  auto gateway = *keeper();
  const auto first = send("1", true);
  EXPECT_EQ(take(gateway, first), Texts{"1"});
  pass(1h);
  EXPECT_EQ(take(gateway, send("2", true)), Texts{"2"});
  const auto told = [&](const mqtt::Message& one) {
    const auto lines = gateway.on_message(one).lines;
    EXPECT_EQ(lines.size(), 1U);
    return lines.empty() ? std::string() : lines[0].hint;
  };
  EXPECT_EQ(told(first[0]), "if it did: sts peer reset pump");
  EXPECT_TRUE(gateway.save()->lines.empty());
  const auto state = pump_.home().state_file().string();
  for (const auto* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(state + suffix);
  pass(1s);
  const auto out = send("3", false);
  EXPECT_EQ(told(out[0]), "if it lost its state, 'sts pub --sign' there once mends it");
  reset();
  const auto saved = gateway.save();  // which finds that it was
  ASSERT_TRUE(saved);
  EXPECT_TRUE(saved->more_keys);
  EXPECT_EQ(take(gateway, out), Texts{"3"});
  EXPECT_TRUE(gateway.save()->lines.empty());
  reset();  // it is kept again
}

TEST_F(ChannelReaderKept, WhatWasKeptAndIsDamagedIsToldAndBeginsAnew) {
  const auto first = *writer().seal(message("1"));
  {
    auto gateway = *keeper();
    EXPECT_TRUE(gateway.take_warnings().empty());
    EXPECT_EQ(take(gateway, first), Texts{"1"});
    EXPECT_TRUE(gateway.save()->lines.empty());
  }
  EXPECT_TRUE(store::Database::open(gateway_.home().state_file())
                  ->run("UPDATE reader SET saved = zeroblob(100)"));
  {
    auto gateway = *keeper();
    const auto warnings = gateway.take_warnings();
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_NE(warnings[0].text.find("pump"), std::string::npos);
    EXPECT_EQ(take(gateway, first), Texts{"1"});
    EXPECT_TRUE(gateway.save()->lines.empty());
  }
  auto gateway = *keeper();
  EXPECT_TRUE(gateway.take_warnings().empty());
  EXPECT_EQ(take(gateway, first), Texts{});
}

TEST_F(ChannelReaderKept, WhatIsNewlySubscribedToWasNotMissing) {
  const auto send = [&](const char* topic) {
    auto one = message(topic);
    one.topic = topic;
    return *writer().seal(one);
  };
  {
    auto gateway = *keeper("a", "plant/7");
    EXPECT_EQ(take(gateway, send("plant/7")), Texts{"plant/7"});
    send("plant/8");
    EXPECT_TRUE(gateway.save()->lines.empty());
  }
  auto gateway = *keeper("a", "plant/8");
  EXPECT_EQ(take(gateway, send("plant/8")), Texts{"plant/8"});
  for (const auto& report : gateway.report()) EXPECT_EQ(report.counted.counts.missing, 0U);
}

TEST_F(ChannelReaderKept, WhatASenderWasSurvivesItsRemovalFromTheTrustFile) {
  auto gateway = *keeper();
  const auto first = *writer().seal(message("1"));
  EXPECT_EQ(take(gateway, first), Texts{"1"});
  EXPECT_TRUE(gateway.save());
  EXPECT_TRUE(store::remove_peer(gateway_.home(), "pump"));
  EXPECT_EQ(take(gateway, first), Texts{});
  EXPECT_TRUE(gateway.save());
  const auto sender = key_of(pump_);
  EXPECT_TRUE(store::add_peer(gateway_.home(), {"pump", sender, {}, {.writes = {"plant/#"}}}));
  EXPECT_EQ(take(gateway, first), Texts{});
  EXPECT_EQ(gateway.report()[0].counted.counts.repeated, 1U);
}

}  // namespace
}  // namespace sts::client
