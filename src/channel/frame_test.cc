#include "channel/frame.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/reader.h"

namespace sts::channel {
namespace {

const KeyId key{{1, 2, 3, 4, 5, 6, 7, 8}};

Bytes message(std::uint64_t counter, std::size_t body) {
  Bytes out;
  put_message_header(out, key, counter);
  out.resize(out.size() + body, 0xAB);
  return out;
}

Bytes will(std::size_t body) {
  Bytes out;
  put_will_header(out, key, ConnectionId{{9}});
  out.resize(out.size() + body, 0xAB);
  return out;
}

TEST(ChannelFrame, StandsAsTheSpecificationSays) {
  const Bytes one = message(300, 17);
  EXPECT_EQ(one.size(), 1U + 8 + 2 + 17);
  EXPECT_EQ(Bytes(one.begin(), one.begin() + 11), (Bytes{0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0xAC, 2}));
  const Bytes other = will(17);
  EXPECT_EQ(other.size(), 1U + 8 + 16 + 17);
  EXPECT_EQ(Bytes(other.begin(), other.begin() + 11), (Bytes{0x12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0}));
}

TEST(ChannelFrame, ComesBackAsItWent) {
  const Bytes one = message(300, 20), other = will(18);
  const auto sealed = decode_sealed(one);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->type, FrameType::message);
  EXPECT_EQ(sealed->key, key);
  EXPECT_EQ(sealed->counter, 300U);
  EXPECT_EQ(sealed->header.size(), 11U);
  EXPECT_EQ(sealed->body.size(), 20U);
  const auto last = decode_sealed(other);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->type, FrameType::will);
  EXPECT_EQ(last->connection, ConnectionId{{9}});
  EXPECT_EQ(last->counter, 0U);
  EXPECT_EQ(last->body.size(), 18U);
}

TEST(ChannelFrame, IsNothingWhereItIsCut) {
  for (const Bytes& whole : {message(300, 17), will(17)}) {
    EXPECT_TRUE(decode_sealed(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(decode_sealed(ByteView(whole).first(size))) << size;
    }
  }
}

TEST(ChannelFrame, OfAnotherTypeIsNothing) {
  for (int type = 0; type < 256; ++type) {
    Bytes frame = message(0, 40);
    frame[0] = static_cast<std::uint8_t>(type);
    EXPECT_EQ(decode_sealed(frame).has_value(), type == 0x11 || type == 0x12) << type;
  }
}

TEST(ChannelFrame, TakesOnlyTheShortestCounter) {
  const auto with_counter = [](const Bytes& counter) {
    Bytes frame{0x11, 1, 2, 3, 4, 5, 6, 7, 8};
    append(frame, counter);
    append(frame, Bytes(17));
    return decode_sealed(frame).has_value();
  };
  EXPECT_TRUE(with_counter({0}));
  EXPECT_TRUE(with_counter({0xFF, 0xFF, 0x7F}));
  EXPECT_FALSE(with_counter({0x80, 0}));
  EXPECT_FALSE(with_counter({0xFF, 0xFF, 0}));
  EXPECT_FALSE(with_counter({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2}));
}

TEST(ChannelFrame, WhatIsSignedTellsTopicFromFrame) {
  const Bytes header{1, 2}, ciphertext{3};
  EXPECT_EQ(signed_bytes("ab", header, ciphertext),
            (Bytes{'S', 'T', 'S', ' ', '2', ' ', 'm', 'e', 's', 's',
                   'a', 'g', 'e', 0,   2,   'a', 'b', 1,   2,   3}));
}

}  // namespace
}  // namespace sts::channel
