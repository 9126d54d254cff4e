#include "mqtt/topic_filter.h"

#include <gtest/gtest.h>

namespace sts::mqtt {
namespace {

TEST(TopicFilterTest, MatchesAsTheStandardSays) {
  EXPECT_TRUE(topic_matches("a/b", "a/b"));
  EXPECT_TRUE(topic_matches("a/+", "a/b"));
  EXPECT_TRUE(topic_matches("a/#", "a"));
  EXPECT_TRUE(topic_matches("#", "a/b/c"));
  EXPECT_TRUE(topic_matches("+/b", "/b"));
  EXPECT_FALSE(topic_matches("a/+", "a/b/c"));
  EXPECT_FALSE(topic_matches("a", "a/b"));
  EXPECT_FALSE(topic_matches("#", "$SYS/x"));
  EXPECT_FALSE(topic_matches("a#", "a#"));
  EXPECT_FALSE(topic_matches("", "a"));
}

}  // namespace
}  // namespace sts::mqtt
