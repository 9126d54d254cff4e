#include "shell/text.h"

#include <gtest/gtest.h>

namespace sts::shell {
namespace {

TEST(Text, CommonPrefixKeepsCharactersWhole) {
  EXPECT_EQ(common_prefix("secmaster", "secslave"), "sec");
  EXPECT_EQ(common_prefix("x\u00e4", "x\u00f6"), "x");
  EXPECT_EQ(common_prefix("x\u00e4", "x\u00e4z"), "x\u00e4");
  EXPECT_EQ(common_prefix("", "a"), "");
}

}  // namespace
}  // namespace sts::shell
