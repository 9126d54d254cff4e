#include "base/reader.h"

#include <gtest/gtest.h>

namespace sts {
namespace {

Bytes varint(std::uint64_t value) {
  Bytes out;
  put_varint(out, value);
  return out;
}

TEST(Reader, NumbersComeBackAsTheyWerePut) {
  for (std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{127},
                              std::uint64_t{128}, std::uint64_t{1} << 21U, UINT64_MAX}) {
    const Bytes encoded = varint(value);
    Reader reader(encoded);
    EXPECT_EQ(reader.varint(), value);
    EXPECT_TRUE(reader.empty());
  }
  Bytes out;
  put_u32(out, 0x01020304);
  EXPECT_EQ(out, (Bytes{1, 2, 3, 4}));
  EXPECT_EQ(Reader(out).u32(), 0x01020304U);
}

TEST(Reader, VarintSizesAreTheBudget) {
  EXPECT_EQ(varint(127).size(), 1U);
  EXPECT_EQ(varint((1U << 21U) - 1).size(), 3U);
  EXPECT_EQ(varint(1U << 21U).size(), 4U);
  EXPECT_EQ(varint(UINT64_MAX).size(), 10U);
}

TEST(Reader, RefusesLongFormsOverflowAndTruncation) {
  for (const Bytes& bad :
       {Bytes{0x80, 0x00}, Bytes{0x80}, Bytes{},
        Bytes{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}, Bytes(11, 0x80)}) {
    EXPECT_EQ(Reader(bad).varint(), std::nullopt);
  }
}

TEST(Reader, NeverReadsPastTheEnd) {
  const Bytes three{1, 2, 3};
  Reader reader(three);
  EXPECT_EQ(reader.u32(), std::nullopt);
  EXPECT_EQ(reader.left(), 3U);
  EXPECT_TRUE(reader.take(3).has_value());
  EXPECT_EQ(reader.u8(), std::nullopt);
}

TEST(Reader, TakesWhatItsSizeStandsBefore) {
  Bytes out;
  put_sized(out, as_bytes("abc"));
  put_sized(out, {});
  Reader reader(out);
  EXPECT_EQ(as_text(*reader.sized()), "abc");
  EXPECT_TRUE(reader.sized()->empty());
  EXPECT_EQ(reader.sized(), std::nullopt);
  EXPECT_EQ(Reader(ByteView(out).first(3)).sized(), std::nullopt);
}

TEST(Reader, TakesAsManyAsItIsTold) {
  const Bytes bytes{3, 10, 11, 12};
  int sum = 0;
  const auto read = [&](ByteView from, std::uint64_t most) {
    Reader reader(from);
    return reader.each(most, [&] {
      const auto one = reader.u8();
      sum += one.value_or(0);
      return one.has_value();
    });
  };
  EXPECT_TRUE(read(bytes, 3));
  EXPECT_EQ(sum, 33);
  EXPECT_FALSE(read(bytes, 2));
  EXPECT_FALSE(read(ByteView(bytes).first(3), 3));
  EXPECT_FALSE(read({}, 3));
}

}  // namespace
}  // namespace sts
