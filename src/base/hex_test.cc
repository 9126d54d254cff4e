#include "base/hex.h"

#include <gtest/gtest.h>

namespace sts {
namespace {

TEST(Hex, RoundTrip) {
  const Bytes bytes{0x00, 0x0f, 0xa0, 0xff};
  EXPECT_EQ(to_hex(bytes), "000fa0ff");
  EXPECT_EQ(from_hex("000fa0ff").value(), bytes);
  EXPECT_EQ(from_hex("000FA0fF").value(), bytes);
  EXPECT_EQ(to_hex({}), "");
  EXPECT_EQ(from_hex("").value(), Bytes());
}

TEST(Hex, RefusesAllElse) {
  for (const auto* text : {"0", "000", "0g", "g0", "00 11", "0x00", "00\n0", "00:1", "ö"}) {
    const auto bytes = from_hex(text);
    ASSERT_FALSE(bytes) << text;
    EXPECT_EQ(bytes.error().code, Errc::bad_input) << text;
  }
  EXPECT_FALSE(from_hex(std::string_view("00\0\0", 4)));
  EXPECT_EQ(from_hex("123").error().message, "hex comes in pairs of digits, this has 3 characters");
}

}  // namespace
}  // namespace sts
