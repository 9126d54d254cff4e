#include "base/topic.h"

#include <gtest/gtest.h>

#include <string>

namespace sts {
namespace {

using namespace std::string_view_literals;

TEST(TopicTest, MatchesAsTheStandardSays) {
  const struct {
    std::string_view filter, topic;
    bool matches;
  } cases[] = {
      {"a/b", "a/b", true},
      {"a/b", "a/b/", false},
      {"a/b", "A/b", false},
      {"a/+", "a/b", true},
      {"a/+", "a/", true},
      {"a/+", "a", false},
      {"a/+", "a/b/c", false},
      {"+/b", "/b", true},
      {"+", "/b", false},
      {"+/+", "/b", true},
      {"a/#", "a", true},
      {"a/#", "a/", true},
      {"a/#", "a/b/c", true},
      {"a/#", "ab", false},
      {"+/#", "a", true},
      {"a/+/c/#", "a/b/c", true},
      {"a/+/c/#", "a/b/d", false},
      {"#", "a/b/c", true},
      {"#", "/", true},
      {"#", "$SYS/x", false},
      {"+/x", "$SYS/x", false},
      {"$SYS/#", "$SYS/x", true},
      {"$SYS/+", "$SYS/x", true},
      {"a#", "a#", false},
      {"a/#/b", "a/x/b", false},
      {"a+", "a+", false},
      {"a", "a/b", false},
      {"", "a", false},
      {"a", "", false},
      {"+", "+", false},
      {"#", "a/#", false},
  };
  for (const auto& [filter, topic, matches] : cases) {
    EXPECT_EQ(topic_matches(filter, topic), matches) << filter << ' ' << topic;
  }
}

TEST(TopicTest, Checks) {
  for (const auto topic : {"a", "/", "a/b c/\xc3\xa4", "$SYS/x"}) {
    EXPECT_TRUE(check_topic(topic, TopicKind::name)) << topic;
    EXPECT_TRUE(check_topic(topic, TopicKind::filter)) << topic;
  }
  for (const auto topic : {"#", "+", "a/+/b/#", "+/+"}) {
    EXPECT_FALSE(check_topic(topic, TopicKind::name)) << topic;
    EXPECT_TRUE(check_topic(topic, TopicKind::filter)) << topic;
  }
  for (const auto topic : {""sv, "a#"sv, "#/a"sv, "a/+b"sv, "a\0b"sv, "\xff"sv}) {
    const auto checked = check_topic(topic, TopicKind::filter);
    ASSERT_FALSE(checked) << topic;
    EXPECT_EQ(checked.error().code, Errc::bad_input);
    EXPECT_FALSE(checked.error().hint.empty());
  }
  EXPECT_TRUE(check_topic(std::string(65535, 'a'), TopicKind::name));
  EXPECT_FALSE(check_topic(std::string(65536, 'a'), TopicKind::name));
}

}  // namespace
}  // namespace sts
