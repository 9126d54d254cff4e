#include "base/text.h"

#include <gtest/gtest.h>

namespace sts {
namespace {

using std::string_literals::operator""s;

TEST(Text, FirstCodePoint) {
  const auto point = first_code_point("\u4f60x");
  ASSERT_TRUE(point);
  EXPECT_EQ(point->value, U'\u4f60');
  EXPECT_EQ(point->size, 3U);
  EXPECT_FALSE(first_code_point(""));
}

TEST(Text, ValidUtf8) {
  for (const char* good : {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(valid_utf8(good)) << good;
  }
  for (const char* bad :
       {"\x80", "\xc1\xbf", "\xc2", "\xc2\x7f", "\xe0\x9f\xbf", "\xe0\xa0", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xff"}) {
    EXPECT_FALSE(valid_utf8(bad)) << bad;
  }
}

TEST(Text, Trim) {
  EXPECT_EQ(trim(" \ta b\r"), "a b");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(trim(""), "");
}

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

}  // namespace
}  // namespace sts
