// Topics besides the config's own.
#include "client/test_world.h"

namespace sts::client {
namespace {

using namespace std::chrono_literals;
using mqtt::Qos;

class Answers : public World {
 protected:
  Answers() {
    start(me, config(Mode::nosec));
    World::run();
  }
  void subscribe(const std::string& filter, Qos qos = Qos::at_least_once) {
    const auto asked = me->subscribe({filter, qos});
    ASSERT_TRUE(asked) << asked.error().message;
  }
  std::vector<std::string> filters() {
    std::vector<std::string> out;
    for (const auto& topic : me->topics()) out.push_back(topic.filter);
    return out;
  }
  void inject(const std::string& topic, std::string_view text) {
    broker.inject({topic, to_bytes(as_bytes(text))});
    World::run();
  }

  Side& me = side();
};

TEST_F(Answers, AreToldOnceAndTheTopicLasts) {
  subscribe("t/+");
  EXPECT_FALSE(me->topics().back().granted);
  run();
  EXPECT_EQ(me.seen.answers, Strings{"t/+ QoS 1"});
  EXPECT_EQ(me->topics().back().granted, Qos::at_least_once);
  EXPECT_EQ(filters(), (Strings{"up", "t/+"}));
  inject("t/a", "one");
  broker.cut_all();
  run_for(2s);
  inject("t/a", "two");
  EXPECT_EQ(me.seen.messages, (Strings{"one", "two"}));
  EXPECT_EQ(me.seen.answers.size(), 1U) << "the next connection is no answer";

  EXPECT_TRUE(me->unsubscribe("t/+"));
  run();
  EXPECT_EQ(me.seen.answers.back(), "t/+ gone");
  inject("t/a", "three");
  EXPECT_EQ(me.seen.messages.size(), 2U);
  EXPECT_EQ(me->unsubscribe("t/+").error().hint, "'topics' lists what is");
}

TEST_F(Answers, ARefusedTopicIsForgottenAndTheSessionGoesOn) {
  broker.on_subscribe = [](const std::string& filter) -> Result<void> {
    if (filter == "no") return fail(Errc::refused, "not authorised");
    return {};
  };
  subscribe("no");
  run();
  EXPECT_EQ(me.seen.answers, Strings{"no: not authorised"});
  EXPECT_EQ(filters(), Strings{"up"});
  EXPECT_EQ(me.state(), State::up);
}

TEST_F(Answers, ATopicThatTheNextConnectionRefusesIsToldAndDropped) {
  subscribe("t");
  run();
  broker.on_subscribe = [](const std::string& filter) -> Result<void> {
    if (filter == "t") return fail(Errc::refused, "not any more");
    return {};
  };
  broker.cut_all();
  run_for(2s);
  EXPECT_EQ(me.seen.answers.back(), "t: not any more");
  EXPECT_TRUE(me->status().broker_connected);
  EXPECT_EQ(filters(), Strings{"up"});
}

TEST_F(Answers, ALostConnectionIsAnAnswerToo) {
  broker.answers_subscribe = false;
  subscribe("t");
  run();
  EXPECT_TRUE(me.seen.answers.empty());
  broker.answers_subscribe = true;
  broker.cut_all();
  run_for(2s);
  ASSERT_EQ(me.seen.answers.size(), 1U);
  EXPECT_NE(me.seen.answers[0].find("connection was lost"), std::string::npos);
  EXPECT_EQ(filters(), Strings{"up"});
}

TEST_F(Answers, ABrokerThatDoesNotAnswerIsLeft) {
  broker.answers_subscribe = false;
  subscribe("t");
  run_for(1min);
  ASSERT_EQ(me.seen.answers.size(), 1U) << me.seen.log();
  EXPECT_EQ(me.seen.count("doesn't answer SUBSCRIBE or UNSUBSCRIBE"), 1U);
  broker.answers_subscribe = true;
  run_for(5min);
  ASSERT_TRUE(me->status().broker_connected);

  subscribe("t");
  run();
  broker.answers_subscribe = false;
  EXPECT_TRUE(me->unsubscribe("t"));
  run_for(1min);
  EXPECT_NE(me.seen.answers.back().find("connection was lost"), std::string::npos);
  EXPECT_EQ(me.seen.count("doesn't answer SUBSCRIBE or UNSUBSCRIBE"), 2U);
}

TEST_F(Answers, BadTopicsAndAMissingConnectionAreRefused) {
  EXPECT_FALSE(me->subscribe({"a#", Qos::at_least_once}));
  EXPECT_FALSE(me->publish_on({"a/#", {}}));
  broker.cut_all();
  run();
  EXPECT_EQ(me->subscribe({"t", Qos::at_least_once}).error().hint, "wait for \"connected to\"");
}

TEST_F(Answers, PublishGoesToAnyTopic) {
  EXPECT_TRUE(me->publish_on({"a/b", to_bytes(as_bytes("x")), Qos::at_most_once, true}));
  run();
  ASSERT_EQ(broker.published.size(), 1U);
  EXPECT_EQ(broker.published[0].topic, "a/b");
  EXPECT_TRUE(broker.published[0].retain);
  EXPECT_EQ(me->status().sent, 1U);
}

TEST_F(Answers, AnEncryptedSessionRefusesThemAll) {
  auto& other = side();
  start(other, config(Mode::responder));
  run();
  broker.published.clear();
  EXPECT_EQ(other->publish_on({"a", to_bytes(as_bytes("x"))}).error().code, Errc::refused);
  EXPECT_EQ(other->subscribe({"a", Qos::at_least_once}).error().code, Errc::refused);
  EXPECT_EQ(other->unsubscribe("up").error().code, Errc::refused);
  run();
  EXPECT_TRUE(broker.published.empty());
  EXPECT_EQ(other->topics().size(), 1U);
}

}  // namespace
}  // namespace sts::client
