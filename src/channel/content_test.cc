#include "channel/content.h"

#include <gtest/gtest.h>

#include "base/reader.h"
#include "channel/limits.h"
#include "protocol/record.h"

namespace sts::channel {
namespace {

const StreamId some_stream{{0, 0, 0, 0, 0, 0, 0, 7}};

Content whole_content() {
  return {.payload = as_bytes("21.5"),
          .time = 1'700'000'000'000,
          .retained = true,
          .resealed = Origin{some_stream, 300, 5},
          .durable = Durable{some_stream, 300},
          .content_type = "text/plain",
          .user_properties = {{"unit", "°C"}, {"unit", ""}}};
}

TEST(Content, StandsAsTheSpecificationSays) {
  EXPECT_EQ(encode({.payload = as_bytes("ab")}, Pad::none), (Bytes{2, 'a', 'b'}));
  EXPECT_EQ(encode({.ping = true}, Pad::none), (Bytes{6}));
  EXPECT_EQ(encode({.payload = as_bytes("a"),
                    .time = 300,
                    .retained = true,
                    .resealed = Origin{some_stream, 300, 5},
                    .content_type = "t",
                    .user_properties = {{"n", ""}}},
                   Pad::none),
            (Bytes{0x10, 0xAC, 2, 0x11, 0x15, 0,   0,    0, 0,   0, 0, 0,  7,
                   0xAC, 2,    5, 0x12, 1,    't', 0x13, 1, 'n', 0, 2, 'a'}));
  EXPECT_EQ(encode({.payload = as_bytes("a"), .durable = Durable{some_stream, 300}}, Pad::none),
            (Bytes{0x16, 0, 0, 0, 0, 0, 0, 0, 7, 0xAC, 2, 2, 'a'}));
  Bytes online{0x14};
  online.resize(17, 9);
  ConnectionId connection;
  connection.bytes.fill(9);
  EXPECT_EQ(encode({.online = connection}, Pad::none), online);
  EXPECT_EQ(encode({.payload = as_bytes("ab")}, Pad::to_16),
            (Bytes{3, 2, 'a', 'b', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(Content, ComesBackAsItWent) {
  for (const auto pad : {Pad::none, Pad::to_16, Pad::padme}) {
    const Bytes encoded = encode(whole_content(), pad);
    EXPECT_EQ(encoded.size(), protocol::padded_size(encoded.size(), pad));
    const auto content = decode_content(encoded);
    ASSERT_TRUE(content);
    EXPECT_EQ(as_text(*content->payload), "21.5");
    EXPECT_EQ(content->time, 1'700'000'000'000U);
    EXPECT_TRUE(content->retained && !content->ping && !content->online);
    EXPECT_EQ(content->resealed->stream, some_stream);
    EXPECT_EQ(content->resealed->epoch, 300U);
    EXPECT_EQ(content->resealed->counter, 5U);
    EXPECT_EQ(content->durable->stream, some_stream);
    EXPECT_EQ(content->durable->number, 300U);
    EXPECT_EQ(content->content_type, "text/plain");
    EXPECT_EQ(content->user_properties, whole_content().user_properties);
  }
}

TEST(Content, APayloadMayBeEmptyAndHoldAnyBytes) {
  EXPECT_TRUE(decode_content(Bytes{2})->payload->empty());
  EXPECT_TRUE(decode_content(Bytes{3, 0, 0, 0})->payload->empty());
  EXPECT_EQ(decode_content(Bytes{2, 0, 6, 0})->payload->size(), 3U);
}

TEST(Content, DurableIsAPayload) {
  EXPECT_FALSE(decode_content(Bytes{0x16, 0, 0, 0, 0, 0, 0, 0, 7, 1, 6}));
  EXPECT_FALSE(well_formed({.ping = true, .durable = Durable{some_stream, 1}}));
  Bytes high{0x16, 0, 0, 0, 0, 0, 0, 0, 7};
  put_varint(high, durable_numbers_end);
  high.push_back(2);
  EXPECT_FALSE(decode_content(high));
  EXPECT_FALSE(well_formed(
      {.payload = as_bytes("x"), .durable = Durable{some_stream, durable_numbers_end}}));
}

TEST(Content, IsNothingWhereItIsCut) {
  // As sized_data, so that the end of the payload is told.
  const Bytes whole = encode(whole_content(), Pad::to_16);
  const auto end = whole.size() - protocol::padded_size(whole.size(), Pad::none) +
                   encode(whole_content(), Pad::none).size() + 1;
  for (std::size_t size = 0; size < end; ++size) {
    EXPECT_FALSE(decode_content(ByteView(whole).first(size))) << size;
  }
  EXPECT_TRUE(decode_content(ByteView(whole).first(end)));
  Bytes online{0x14};
  for (; online.size() < 17; online.push_back(0)) EXPECT_FALSE(decode_content(online));
  EXPECT_TRUE(decode_content(online));
}

TEST(Content, WhatFollowsIsPaddingOrMalformed) {
  for (const Bytes& whole : {Bytes{3, 1, 'a'}, Bytes{6}, Bytes{3, 1, 'a', 0, 0}}) {
    for (int more = 1; more < 256; ++more) {
      Bytes longer = whole;
      longer.push_back(static_cast<std::uint8_t>(more));
      // RETAINED needs no more bytes, and may stand anywhere beside DATA.
      const bool taken = more == 0x11 && whole.back() == 'a';
      EXPECT_EQ(decode_content(longer).has_value(), taken) << more;
    }
  }
}

TEST(Content, MalformedIsNothing) {
  const std::vector<Bytes> malformed{
      {},                     // no record
      {0, 0},                 // nothing but padding
      {0x11},                 // a message needs a body
      {0x10, 5},              //
      {1},                    // a session's records
      {4, 0, 0},              //
      {0x16, 6},              // unknown
      {0xFF, 6},              //
      {6, 6},                 // two bodies
      {6, 2},                 //
      {3, 0, 3, 0},           //
      {3, 0, 2},              //
      {0x10, 1, 0x10, 1, 6},  // twice
      {0x11, 0x11, 6},        //
      {0x12, 0, 0x12, 0, 6},  //
      {0x11, 0x15, 0, 0, 0, 0, 0, 0, 0, 7, 1, 1, 0x15, 0, 0, 0, 0, 0, 0, 0, 7, 1, 1, 6},  //
      {0x15, 0, 0, 0, 0, 0, 0, 0, 7, 1, 1, 6},                       // resealed and not retained
      {0x10, 0x80, 0, 6},                                            // not the shortest form
      {0x11, 0x15, 0, 0, 0, 0, 0, 0, 0, 7, 0x81, 0, 1, 6},           //
      {0x11, 0x15, 0, 0, 0, 0, 0, 0, 0, 7, 1, 0x81, 0, 6},           //
      {3, 0x81, 0, 'a'},                                             //
      {0x12, 0x81, 0, 'a', 6},                                       //
      {0x13, 0x80, 0, 0, 6},                                         //
      {3, 2, 'a'},                                                   // longer than the frame
      {0x12, 9, 'a', 6},                                             //
      {0x13, 0, 9, 6},                                               //
      {3, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1},  // 2^64 - 1 bytes
      {0x12, 1, 0xFF, 6},                                            // not UTF-8
      {0x13, 1, 0xC0, 0, 6},                                         //
      {0x13, 0, 1, 0x80, 6},                                         //
      {6, 0, 1},                                                     // padding is zero
  };
  for (const auto& bytes : malformed) {
    EXPECT_FALSE(decode_content(bytes)) << testing::PrintToString(bytes);
  }
}

TEST(Content, HasABoundedNumberOfProperties) {
  Bytes plaintext;
  for (std::size_t i = 0; i < user_properties; ++i) append(plaintext, Bytes{0x13, 0, 0});
  plaintext.push_back(6);
  ASSERT_TRUE(decode_content(plaintext));
  EXPECT_EQ(decode_content(plaintext)->user_properties.size(), user_properties);
  append(plaintext, Bytes{0x13, 0, 0});
  EXPECT_FALSE(decode_content(plaintext));
}

}  // namespace
}  // namespace sts::channel
