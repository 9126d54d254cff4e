#include "protocol/frame.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/reader.h"

namespace sts::protocol {
namespace {

Bytes bytes(std::size_t size, std::uint8_t fill = 0xAB) { return Bytes(size, fill); }

Bytes enc(FrameType type, std::uint64_t counter, std::size_t ciphertext) {
  Bytes out;
  put_enc_header(out, type, {0x01020304}, counter);
  append(out, bytes(ciphertext));
  return out;
}

Bytes will(FrameType type, std::size_t message) {
  Bytes out;
  put_will_header(out, type, {1, 2, 3});
  append(out, bytes(message));
  return out;
}

std::vector<Bytes> one_of_each() {
  InitReq init_req{};
  InitAck init_ack{{8}, {}};
  init_req.message_1.fill(1);
  init_ack.message_2.fill(2);
  const Bytes message_3 = bytes(message_3_min_size, 3);
  return {encode(Hello{{0x01020304}}),
          encode(init_req),
          encode(init_ack),
          encode(KeyAck{{10}, message_3}),
          enc(FrameType::enc_from_initiator, 300, 17),
          enc(FrameType::enc_from_responder, 0, 17),
          will(FrameType::will_from_initiator, 49),
          will(FrameType::will_from_responder, 49)};
}

TEST(Frame, HasTheSizesOfTheSpecification) {
  const auto frames = one_of_each();
  EXPECT_EQ(frames[0], (Bytes{1, 1, 2, 3, 4}));
  EXPECT_EQ(frames[1].size(), 53U);
  EXPECT_EQ(frames[2].size(), 105U);
  EXPECT_EQ(frames[3].size(), 69U);
  EXPECT_EQ(frames[4].size(), 1U + 4 + 2 + 17);
  EXPECT_EQ((Bytes(frames[4].begin(), frames[4].begin() + 7)), (Bytes{5, 1, 2, 3, 4, 0xAC, 0x02}));
  EXPECT_EQ(frames[6].size(), 66U);
  EXPECT_EQ((Bytes(frames[7].begin(), frames[7].begin() + 5)), (Bytes{8, 1, 2, 3, 0}));
}

TEST(Frame, ComesBackAsItWent) {
  const auto frames = one_of_each();
  EXPECT_EQ(std::get<Hello>(*decode(frames[0])).unknown.value, 0x01020304U);
  const auto init_req = std::get<InitReq>(*decode(frames[1]));
  EXPECT_EQ(encode(init_req), frames[1]);
  const auto init_ack = std::get<InitAck>(*decode(frames[2]));
  EXPECT_EQ(init_ack.receiver.value, 8U);
  EXPECT_EQ(encode(init_ack), frames[2]);
  const auto key_ack = std::get<KeyAck>(*decode(frames[3]));
  EXPECT_EQ(key_ack.receiver.value, 10U);
  EXPECT_EQ(encode(key_ack), frames[3]);
  const auto enc_frame = std::get<Enc>(*decode(frames[4]));
  EXPECT_EQ(enc_frame.type, FrameType::enc_from_initiator);
  EXPECT_EQ(enc_frame.receiver.value, 0x01020304U);
  EXPECT_EQ(enc_frame.counter, 300U);
  EXPECT_EQ(enc_frame.header.size(), 7U);
  EXPECT_EQ(enc_frame.ciphertext.size(), 17U);
  const auto will_frame = std::get<Will>(*decode(frames[7]));
  EXPECT_EQ(will_frame.type, FrameType::will_from_responder);
  EXPECT_EQ(will_frame.connection, (ConnectionId{1, 2, 3}));
  EXPECT_EQ(will_frame.header.size(), 17U);
  EXPECT_EQ(will_frame.message.size(), 49U);
}

TEST(Frame, AnIndexIsFourBytesAndNotZero) {
  EXPECT_EQ(decode_index(encode_index({0x01020304})), SessionIndex{0x01020304});
  EXPECT_EQ(encode_index({0x01020304}), (Bytes{1, 2, 3, 4}));
  for (const auto& wrong : {Bytes{}, Bytes{1, 2, 3}, Bytes{1, 2, 3, 4, 5}, Bytes{0, 0, 0, 0}}) {
    EXPECT_FALSE(decode_index(wrong));
  }
}

TEST(Frame, IsNothingAtAnyOtherLength) {
  for (const auto& frame : one_of_each()) {
    for (std::size_t size = 0; size < frame.size(); ++size) {
      EXPECT_FALSE(decode(ByteView(frame).first(size))) << int{frame[0]} << " cut to " << size;
    }
    Bytes longer = frame;
    longer.push_back(0);
    // A longer KEYACK, ENC or WILL is another one.
    EXPECT_EQ(decode(longer).has_value(), frame[0] >= 4) << int{frame[0]};
  }
  EXPECT_TRUE(decode(encode(KeyAck{{1}, bytes(message_3_max_size)})));
  EXPECT_FALSE(decode(encode(KeyAck{{1}, bytes(message_3_max_size + 1)})));
  EXPECT_TRUE(decode(will(FrameType::will_from_initiator, 65535 - 17)));
  EXPECT_FALSE(decode(will(FrameType::will_from_initiator, 65535 - 16)));
}

TEST(Frame, OfAnUnknownTypeIsNothing) {
  for (int type = 0; type < 256; ++type) {
    Bytes frame = bytes(70, 0);
    frame[0] = static_cast<std::uint8_t>(type);
    EXPECT_EQ(decode(frame).has_value(), type >= 4 && type <= 8) << type;
  }
}

TEST(Frame, TakesOnlyTheShortestCounter) {
  const auto with_counter = [](const Bytes& counter) {
    Bytes frame{5, 0, 0, 0, 1};
    append(frame, counter);
    append(frame, bytes(17));
    return decode(frame).has_value();
  };
  EXPECT_TRUE(with_counter({0x00}));
  EXPECT_TRUE(with_counter({0xFF, 0xFF, 0x7F}));
  EXPECT_TRUE(with_counter({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}));
  EXPECT_FALSE(with_counter({0x80, 0x00}));
  EXPECT_FALSE(with_counter({0xFF, 0xFF, 0x00}));
  EXPECT_FALSE(with_counter({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02}));
  EXPECT_FALSE(with_counter({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}));
}

}  // namespace
}  // namespace sts::protocol
