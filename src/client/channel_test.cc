// What a sender publishes for its readers, and what these make of it.
#include <fstream>
#include <set>

#include "client/channel_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;

class ChannelTest : public ChannelWorld {};

TEST_F(ChannelTest, TheNextProcessGoesOnUnderTheSameKey) {
  auto gateway = reader(gateway_);
  std::set<Bytes> keys;
  for (int i = 0; i < 5; ++i) {
    auto one = writer();
    const auto out = one.seal(message(std::to_string(i)));
    ASSERT_TRUE(out) << out.error().message;
    ASSERT_EQ(out->size(), 2U);
    keys.insert(out->front().payload);
    EXPECT_EQ(take(gateway, *out), Texts{std::to_string(i)});
    EXPECT_TRUE(one.confirm());
  }
  EXPECT_EQ(keys.size(), 1U);
  EXPECT_EQ(gateway.report()[0].counted.counts.missing, 0U);
}

TEST_F(ChannelTest, KeysThatMayNotHaveLeftGoOutAgain) {
  EXPECT_TRUE(writer().seal(message("lost with its process")));
  auto gateway = reader(gateway_);
  auto second = writer();
  const auto out = second.seal(message("2"));
  ASSERT_EQ(out->size(), 2U);
  EXPECT_EQ(take(gateway, *out), Texts{"2"});
  EXPECT_EQ(gateway.report()[0].counted.counts.missing, 1U);  // and the loss is told
  EXPECT_EQ(second.seal(message("3"))->size(), 1U);
}

TEST_F(ChannelTest, KeysAreRenewedByTimeWhateverTheClock) {
  auto gateway = reader(gateway_);
  Bytes last;
  /// Whether it went under another key than the last one.
  const auto send = [&](const std::string& text) {
    auto one = writer();
    const auto out = *one.seal(message(text));
    EXPECT_TRUE(one.confirm());
    EXPECT_EQ(take(gateway, out), Texts{text});
    const auto& payload = out.back().payload;
    const Bytes key(payload.begin(), payload.begin() + 9);
    return std::exchange(last, key) != key;
  };
  EXPECT_TRUE(send("first"));
  pass(59min);
  EXPECT_FALSE(send("under the same key"));
  pass(1min);
  EXPECT_TRUE(send("an hour later"));
  wall_ = {};  // no clock at boot
  EXPECT_TRUE(send("in 1970"));
  EXPECT_FALSE(send("still in 1970"));
  EXPECT_EQ(gateway.report()[0].counted.counts.missing, 0U);
}

TEST_F(ChannelTest, KeysAreToldAgainToABrokerThatMayHaveLostThem) {
  auto first = writer();
  EXPECT_TRUE(first.seal(message("1")));
  EXPECT_TRUE(first.confirm());
  auto gateway = reader(gateway_);
  auto next = writer();  // in front of another broker, say
  EXPECT_EQ(take(gateway, *next.seal(message("2"))), Texts{"2"});
  EXPECT_EQ(next.seal(message("3"))->size(), 1U);

  for (const bool own : {false, true}) {
    auto sender = writer(own);
    EXPECT_TRUE(sender.reconnected()->empty());
    const auto sealed = *sender.seal(message("4"));
    auto late = reader(gateway_);
    EXPECT_EQ(take(late, {sealed.back()}), Texts{});
    EXPECT_EQ(take(late, *sender.reconnected()), Texts{"4"});
  }
}

TEST_F(ChannelTest, AStreamOfAnotherVersionGoesOnAsANewOne) {
  EXPECT_TRUE(writer().seal(message("1")));
  {
    const auto self = store::load_or_create_identity(pump_.home(), random_);
    auto state = store::State::open(pump_.home(), self->pair.private_key, random_);
    auto change = state->begin();
    const auto rows = change->senders();
    ASSERT_EQ(rows->size(), 1U);
    EXPECT_TRUE(change->put_sender(rows->front().name, Bytes{255}));
    EXPECT_TRUE(change->commit());
  }
  auto gateway = reader(gateway_);
  EXPECT_EQ(take(gateway, *writer().seal(message("2"))), Texts{"2"});
  EXPECT_EQ(take(gateway, *writer().seal(message("3"))), Texts{"3"});
}

TEST_F(ChannelTest, WhoCanNotBeBelievedKeepsNobodyElseOut) {
  // As an editor writes it; 'sts peer add' refuses such a key.
  std::ofstream(gateway_.home().peers_file(), std::ios::app)
      << "zeros " << crypto::to_text(crypto::PublicKey{}) << " writes=plant/#\n";
  auto gateway = reader(gateway_);
  const auto warnings = gateway.take_warnings();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(warnings[0].text.starts_with("zeros is not believed: ")) << warnings[0].text;
  EXPECT_EQ(take(gateway, *writer().seal(message("1"))), Texts{"1"});
}

TEST_F(ChannelTest, AnotherSetOfReadersIsAnotherKey) {
  auto gateway = reader(gateway_);
  EXPECT_TRUE(store::add_peer(office_.home(), {"pump", key_of(pump_), {}, {.writes = {"#"}}}));
  auto office = reader(office_);
  auto one = writer();
  const auto first = *one.seal(message("first"));
  EXPECT_EQ(take(gateway, first), Texts{"first"});
  EXPECT_EQ(take(office, first), Texts{});
  allow("office", office_, {.reads = {"plant/7"}});
  const auto second = *one.seal(message("second"));
  EXPECT_EQ(take(gateway, second), Texts{"second"});
  EXPECT_EQ(take(office, second), Texts{"second"});
  EXPECT_TRUE(store::remove_peer(pump_.home(), "office"));
  const auto third = *one.seal(message("third"));
  EXPECT_EQ(take(gateway, third), Texts{"third"});
  EXPECT_EQ(take(office, third), Texts{});
}

TEST_F(ChannelTest, ARetainedMessageMovesToItsNewReaders) {
  auto gateway = reader(gateway_);
  EXPECT_TRUE(store::add_peer(office_.home(), {"pump", key_of(pump_), {}, {.writes = {"#"}}}));
  auto office = reader(office_);
  auto one = writer();
  EXPECT_EQ(take(gateway, *one.seal(message("kept", true))), Texts{"kept"});
  EXPECT_TRUE(one.confirm());
  allow("office", office_, {.reads = {"plant/#"}});
  auto other = message("other");
  other.topic = "plant/8";
  const auto out = *writer().seal(other);
  EXPECT_EQ(take(gateway, out), Texts{"other"});
  EXPECT_EQ(take(office, out), (Texts{"kept", "other"}));
  // The old key packet goes, since nothing needs it, and so does the one that told its end.
  EXPECT_EQ(std::ranges::count_if(out, [](auto& each) { return each.payload.empty(); }), 2);
}

TEST_F(ChannelTest, ARetainedMessageMovesToAKeyThatIsOlderThanItsOwn) {
  EXPECT_TRUE(store::add_peer(office_.home(), {"pump", key_of(pump_), {}, {.writes = {"#"}}}));
  allow("office", office_, {.reads = {"plant/8"}});
  auto office = reader(office_);
  auto one = writer();
  auto both = message("both");
  both.topic = "plant/8";
  EXPECT_EQ(take(office, *one.seal(both)), Texts{"both"});
  EXPECT_EQ(take(office, *one.seal(message("kept", true))), Texts{});  // under a later key
  allow("office", office_, {.reads = {"plant/7"}});
  EXPECT_EQ(take(office, *one.seal(both)), (Texts{"kept", "both"}));
}

TEST_F(ChannelTest, AStreamOfItsOwnTellsItsEnd) {
  auto gateway = reader(gateway_);
  auto one = writer(true);
  EXPECT_EQ(take(gateway, *one.seal(message("1"))), Texts{"1"});
  EXPECT_TRUE(one.seal(message("withheld by the broker")));
  EXPECT_EQ(gateway.report()[0].counted.counts.missing, 0U);
  EXPECT_EQ(take(gateway, *one.finish()), Texts{});
  EXPECT_EQ(gateway.report()[0].counted.counts.missing, 1U);
}

TEST_F(ChannelTest, WhoMayOnlyReadSpeaksForNobody) {
  // Whoever reads us knows our key, and could seal under it on any topic.
  EXPECT_TRUE(store::add_peer(pump_.home(), {"office", key_of(office_), {}, {.writes = {"#"}}}));
  auto own = reader(pump_);
  EXPECT_EQ(take(own, *writer().seal(message("as if from ourselves"))), Texts{});
}

TEST_F(ChannelTest, ACopyOfTheStateUsesNoCounterAgain) {
  EXPECT_TRUE(writer().confirm());
  const auto first = *writer().seal(message("A"));
  const auto path = pump_.home().state_file();
  std::filesystem::copy_file(path, path.string() + "-copy");
  std::filesystem::rename(path.string() + "-copy", path);
  const auto second = *writer().seal(message("B"));
  const auto header = [](const mqtt::Message& one) {
    return Bytes(one.payload.begin(), one.payload.begin() + 9);
  };
  EXPECT_NE(header(first.back()), header(second.back()));
  auto gateway = reader(gateway_);
  EXPECT_EQ(take(gateway, second), Texts{"B"});
}

TEST_F(ChannelTest, WhoSignsOnceSignsAlways) {
  const auto unsigned_size = writer().seal(message("x"))->back().payload.size();
  const auto signing = [this] {
    return *ChannelWriter::open(
        pump_.home(), {.sender = {.sign = true}}, [this] { return now_; }, [this] { return wall_; },
        random_);
  };
  EXPECT_EQ(signing().seal(message("x", true))->back().payload.size(), unsigned_size + 64 + 1);
  const auto sealed_anew = *writer().seal(message("y"));
  for (const auto& one : sealed_anew) {
    if (one.topic == "plant/7") {
      EXPECT_GE(one.payload.size(), unsigned_size + 64);
    }
  }
  EXPECT_EQ(writer(true).seal(message("z"))->back().payload.size(), unsigned_size + 64);
}

TEST_F(ChannelTest, AProcessThatRunsSignsOnOverAnOlderState) {
  auto running = writer({.sender = {.sign = true}, .own_stream = true});
  EXPECT_TRUE(running.seal(message("1")));
  ASSERT_TRUE(
      store::Database::open(pump_.home().state_file())->run("UPDATE identity SET signs = 0"));
  pass(1h);
  EXPECT_TRUE(running.seal(message("2")));
  EXPECT_TRUE(running.signs());
  EXPECT_TRUE(writer().signs());
}

TEST_F(ChannelTest, AProcessThatRunsSignsAsWell) {
  auto gateway = reader(gateway_);
  auto running = writer(true);
  EXPECT_EQ(take(gateway, *running.seal(message("1"))), Texts{"1"});
  auto signing = writer({.sender = {.sign = true}});
  EXPECT_EQ(take(gateway, *signing.seal(message("2"))), Texts{"2"});
  pass(1s);
  auto lines = std::vector<std::string>();
  Texts texts;
  const auto third = *running.seal(message("3"));
  for (const auto& one : third) {
    auto out = gateway.on_message({one.topic, one.payload, one.qos});
    for (const auto& line : out.lines) lines.push_back(line.text);
    for (const auto& received : out.messages) {
      texts.emplace_back(as_text(received.message.payload));
    }
  }
  EXPECT_EQ(texts, Texts{"3"});
  EXPECT_TRUE(third[0].payload.empty()) << "the key that nobody takes any more goes";
  EXPECT_EQ(lines, std::vector<std::string>());
}

// It reads that it signs where it takes a number, too, before it looks again.
TEST_F(ChannelTest, AProcessThatRunsBeginsNoUnsignedKeyOnceItKnows) {
  auto gateway = reader(gateway_);
  allow("office", office_, {.reads = {"plant/8"}});
  auto running = writer(true);
  EXPECT_EQ(take(gateway, *running.seal(message("1"))), Texts{"1"});
  EXPECT_EQ(take(gateway, *writer({.sender = {.sign = true}}).seal(message("2"))), Texts{"2"});
  auto others = message("3");
  others.topic = "plant/8";
  const auto sealed = *running.seal(others);
  EXPECT_EQ(take(gateway, sealed), Texts{"3"});
  for (const auto& one : sealed) {
    const auto key = channel::decode_key_packet(one.payload);
    EXPECT_TRUE(!key || key->header.signing_key);
  }
}

// Nor for the end of one that nobody reads any more.
TEST_F(ChannelTest, AProcessThatRunsEndsNoStreamUnsignedOnceItKnows) {
  allow("office", office_, {.reads = {"plant/7"}});
  auto running = writer(true);
  EXPECT_TRUE(running.seal(message("1")));
  EXPECT_TRUE(writer({.sender = {.sign = true}}).seal(message("2")));
  const auto ended = *running.finish();
  EXPECT_FALSE(ended.empty());
  for (const auto& one : ended) EXPECT_TRUE(one.payload.empty()) << one.topic;
}

TEST_F(ChannelTest, AChangeOfRightsStopsNothing) {
  auto retained = message("kept", true);
  retained.topic = "plant/2";
  EXPECT_TRUE(writer().seal(retained));
  EXPECT_TRUE(writer().seal(message("1")));
  allow("office", office_, {.reads = {"plant/2"}});
  auto gateway = reader(gateway_);
  const auto out = writer().seal(message("2"));
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(take(gateway, *out).back(), "2");
}

TEST_F(ChannelTest, AnOldRetainedMessageNeverComesBack) {
  EXPECT_TRUE(writer().seal(message("old", true)));
  allow("office", office_, {.reads = {"plant/#"}});
  EXPECT_TRUE(store::add_peer(office_.home(), {"pump", key_of(pump_), {}, {.writes = {"#"}}}));
  // Sealed anew, and the process ends before it knows that the broker has it.
  // Keys, the end of those before, retained, both removed, the message.
  EXPECT_EQ(writer().seal(message("x"))->size(), 6U);
  EXPECT_TRUE(writer().seal(message("new", true)));
  const auto topics = [](const std::vector<mqtt::Message>& all) {
    return std::ranges::count_if(all,
                                 [](auto& one) { return one.topic == "plant/7" && one.retain; });
  };
  EXPECT_EQ(topics(*writer().seal(message("y"))), 0);
  // Nor does what was sealed for one who may not read any more.
  EXPECT_TRUE(store::deny(pump_.home(), "office", {.reads = {"plant/#"}}));
  auto office = reader(office_);
  EXPECT_EQ(take(office, *writer().seal(message("z"))), Texts{});
  EXPECT_EQ(take(office, *writer().seal(message("z"))), Texts{});
}

TEST_F(ChannelTest, AChangeOfReadersTellsTheEndOfTheKeyBefore) {
  auto gateway = reader(gateway_);
  EXPECT_EQ(take(gateway, *writer().seal(message("1"))), Texts{"1"});
  EXPECT_TRUE(writer().seal(message("withheld")));
  allow("office", office_, {.reads = {"plant/#"}});
  EXPECT_EQ(take(gateway, *writer().seal(message("3"))), Texts{"3"});
  EXPECT_EQ(gateway.report()[0].counted.counts.missing, 1U);
}

TEST_F(ChannelTest, NobodyToReadOrToBelieve) {
  auto other = message("x");
  other.topic = "office/door 1";
  const auto refused = writer().seal(other);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::refused);
  EXPECT_NE(refused.error().hint.find("--reads 'office/door 1'"), std::string::npos);
  EXPECT_EQ(reader(pump_).check_senders().error().hint, "sts peer add NAME KEY --writes FILTER");
  EXPECT_TRUE(reader(gateway_).check_senders());
}

TEST_F(ChannelTest, AConfigAddsRights) {
  EXPECT_TRUE(store::add_peer(pump_.home(), {"office", key_of(office_), {}}));
  EXPECT_TRUE(store::add_peer(office_.home(), {"pump", key_of(pump_), {}}));
  auto one = *ChannelWriter::open(
      pump_.home(), {.rights = {{"office", {.reads = {"plant/#"}}}}}, [this] { return now_; },
      [this] { return wall_; }, random_);
  auto office = *ChannelReader::open(
      office_.home(), {.filters = {"plant/#"}, .rights = {{"pump", {.writes = {"plant/7"}}}}},
      [this] { return now_; }, [this] { return wall_; }, random_);
  EXPECT_EQ(take(office, *one.seal(message("x"))), Texts{"x"});
  EXPECT_TRUE(store::remove_peer(pump_.home(), "gateway"));  // and after a change as well
  EXPECT_EQ(take(office, *one.seal(message("y"))), Texts{"y"});
  EXPECT_TRUE(store::remove_peer(pump_.home(), "office"));
  EXPECT_FALSE(one.seal(message("z"))) << "who is no peer has no rights";
  const auto unknown = ChannelWriter::open(
      pump_.home(), {.rights = {{"office", {.reads = {"plant/#"}}}}}, [this] { return now_; },
      [this] { return wall_; }, random_);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().hint, "mend that line of the config, or: sts peer add office KEY");
}

TEST_F(ChannelTest, OldMessagesAreLeftOut) {
  auto gateway = *ChannelReader::open(
      gateway_.home(), {.filters = {"plant/#"}, .max_age = std::chrono::seconds(10)},
      [this] { return now_; }, [this] { return wall_; }, random_);
  const auto out = *writer().seal(message("x"));
  pass(11s);
  EXPECT_EQ(take(gateway, out), Texts{});
  EXPECT_EQ(take(gateway, *writer().seal(message("y"))), Texts{"y"});
}

}  // namespace
}  // namespace sts::client
