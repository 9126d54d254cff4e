#include "shell/text.h"

#include <gtest/gtest.h>

namespace sts::shell {
namespace {

using std::string_literals::operator""s;

TEST(Text, PrintableTextStays) {
  for (const char* text :
       {"", "hello", "h\u00e4l\u00f6 \u4f60\u597d \U0001F600", "C:\\x1b", "a b"}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(Text, NothingDrivesTheTerminal) {
  EXPECT_EQ(printable("\033[2J\a\0\x7f"s), "\\x1b[2J\\x07\\x00\\x7f");
  EXPECT_EQ(printable("two\nlines\r\tand"), "two\\nlines\\r\\tand");
  EXPECT_EQ(printable("\u009b2J"), "\\xc2\\x9b2J");  // CSI as one C1 character
  EXPECT_EQ(printable("\x9b\x32J"), "\\x9b2J");      // and as one byte
  EXPECT_EQ(printable("a\u202eb\u2066c\u2028d"), "a\\u{202e}b\\u{2066}c\\u{2028}d");
}

TEST(Text, InvalidUtf8IsShownByteByByte) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("\xc3"), "\\xc3");                    // cut off
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(printable("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");  // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("\xc3(\u00e4"), "\\xc3(\u00e4");
}

TEST(Text, Trim) {
  EXPECT_EQ(trim(" \ta b\r"), "a b");
  EXPECT_EQ(trim(" \t"), "");
}

TEST(Text, CommonPrefixKeepsCharactersWhole) {
  EXPECT_EQ(common_prefix("secmaster", "secslave"), "sec");
  EXPECT_EQ(common_prefix("x\u00e4", "x\u00f6"), "x");
  EXPECT_EQ(common_prefix("x\u00e4", "x\u00e4z"), "x\u00e4");
  EXPECT_EQ(common_prefix("", "a"), "");
}

}  // namespace
}  // namespace sts::shell
