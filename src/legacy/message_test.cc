#include "legacy/message.h"

#include <gtest/gtest.h>

#include <string>

namespace sts::legacy {
namespace {

std::string text_of(const SetupMessage& message) { return std::string(as_text(encode(message))); }

std::optional<SetupMessage> decode_text(std::string_view text) { return decode(as_bytes(text)); }

PublicKey::Coordinate number(std::uint8_t last, std::uint8_t before) {
  PublicKey::Coordinate out{};
  out[30] = before;
  out[31] = last;
  return out;
}

TEST(Message, TheWordsOnTheWire) {
  EXPECT_EQ(text_of(InitReq{}), "INITREQ:request");
  EXPECT_EQ(text_of(InitAck{}), "INITACK:");
  EXPECT_EQ(text_of(KeyAck{}), "KEYACK:");
  EXPECT_TRUE(std::holds_alternative<InitReq>(decode_text("INITREQ:request").value()));
  EXPECT_TRUE(std::holds_alternative<InitAck>(decode_text("INITACK:").value()));
  EXPECT_TRUE(std::holds_alternative<KeyAck>(decode_text("KEYACK:").value()));
}

TEST(Message, CoordinatesAreWholeBytesWithoutLeadingZeros) {
  EXPECT_EQ(text_of(KeyReq{{number(0xab, 0x0c), number(5, 0)}}), "KEYREQ:X0CABY05");
  EXPECT_EQ(text_of(KeyReq{{number(0, 0x1f), std::nullopt}}), "KEYREQ:X1F00Y");
}

TEST(Message, KeyReqComesBack) {
  for (const PublicKey& key :
       {PublicKey{number(1, 2), number(3, 4)}, PublicKey{number(0xff, 0), std::nullopt}}) {
    const auto back = decode(encode(KeyReq{key}));
    ASSERT_TRUE(back);
    EXPECT_EQ(std::get<KeyReq>(*back).key, key);
  }
}

TEST(Message, EmptyYIsX25519) {
  EXPECT_EQ(std::get<KeyReq>(decode_text("KEYREQ:X01Y").value()).key.curve(), Curve::x25519);
  EXPECT_EQ(std::get<KeyReq>(decode_text("KEYREQ:X01Y02").value()).key.curve(), Curve::secp256k1);
}

TEST(Message, ReadsAnyNotationOfTheNumber) {
  const PublicKey key{number(0xab, 0x0c), number(0xcd, 0)};
  EXPECT_EQ(std::get<KeyReq>(decode_text("KEYREQ:XcabY00cD").value()).key, key);
  const std::string full = std::string(60, '0') + "0CAB";
  EXPECT_EQ(std::get<KeyReq>(decode_text("KEYREQ:X" + full + "YCD").value()).key, key);
}

TEST(Message, RefusesAllElse) {
  using namespace std::string_literals;
  for (const std::string& bad : {""s,
                                 ":"s,
                                 "INITREQ"s,
                                 "INITREQ:"s,
                                 "INITREQ:request\0"s,
                                 "INITREQ:Request"s,
                                 "INITACK:x"s,
                                 "KEYACK: "s,
                                 "initack:"s,
                                 "ENC:hello"s,
                                 "KILL:"s,
                                 "KEYREQ:"s,
                                 "KEYREQ:X"s,
                                 "KEYREQ:XY"s,
                                 "KEYREQ:X01"s,
                                 "KEYREQ:Y01X01"s,
                                 "KEYREQ:X01Y0G"s,
                                 "KEYREQ:X01Y02Y03"s,
                                 "KEYREQ:X 1Y"s,
                                 "KEYREQ:X01Y\0"s,
                                 "KEYREQ:X" + std::string(65, '0') + "Y"}) {
    EXPECT_FALSE(decode_text(bad)) << bad;
  }
}

TEST(Message, NoneHasTheSizeOfACiphertext) {
  for (std::size_t zeros = 0; zeros < 32; ++zeros) {
    PublicKey key{.x = {}, .y = PublicKey::Coordinate{}};
    std::fill(key.x.begin() + static_cast<std::ptrdiff_t>(zeros), key.x.end(), 1);
    key.y->fill(1);
    EXPECT_NE(encode(KeyReq{key}).size() % 16, 0U);
    key.y.reset();
    EXPECT_NE(encode(KeyReq{key}).size() % 16, 0U);
  }
}

}  // namespace
}  // namespace sts::legacy
