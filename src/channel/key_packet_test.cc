#include "channel/key_packet.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/reader.h"
#include "channel/limits.h"
#include "channel/world_for_tests.h"

namespace sts::channel {
namespace {

constexpr std::size_t mark_size = 16, wrap_size = 84;

Header whole_header() {
  Header out{StreamId{{1}}, 300, 1'700'000'000'000};
  out.signing_key = crypto::VerifyingKey{{7}};
  out.before = Finals{KeyId{{2}}, {{"a", 1}, {"b", 300}, {"b/c", reject_after_messages}}};
  return out;
}

Bytes packet(ByteView header, std::size_t wraps = 1) {
  Bytes out{0x10};
  put_varint(out, header.size());
  append(out, header);
  out.resize(out.size() + mark_size + wraps * wrap_size, 0xAB);
  return out;
}

bool decodes(ByteView header) { return decode_key_packet(packet(header)).has_value(); }

/// The header up to its flags.
Bytes begun(std::uint8_t flags) {
  Bytes out(8, 1);
  append(out, Bytes{5, 6, flags});
  return out;
}

/// With finals of which the caller writes what follows the key.
bool takes_finals(const Bytes& finals) {
  Bytes header = begun(2);
  header.resize(header.size() + 8);
  append(header, finals);
  return decodes(header);
}

TEST(KeyPacket, StandsAsTheSpecificationSays) {
  Bytes expected{1, 0, 0, 0, 0, 0, 0, 0, 0xAC, 2, 0x80, 0xD0, 0x95, 0xFF, 0xBC, 0x31, 3, 7};
  expected.resize(expected.size() + 31);
  append(expected, Bytes{2, 0,   0,    0, 0, 0, 0,   0,   3,   0,    1,    'a',  1, 0,
                         1, 'b', 0xAC, 2, 0, 3, 'b', '/', 'c', 0x80, 0x80, 0x80, 1});
  EXPECT_EQ(encode(whole_header()), expected);
  EXPECT_EQ(encode(Header{StreamId{{1}}, 0, 0}), (Bytes{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(KeyPacket, HeadersComeBackAsTheyWent) {
  for (const bool sign : {false, true}) {
    for (const bool finals : {false, true}) {
      Header header = whole_header();
      if (!sign) header.signing_key.reset();
      if (!finals) header.before.reset();
      const Bytes encoded = encode(header);
      const Bytes whole = packet(encoded, 3);
      const auto decoded = decode_key_packet(whole);
      ASSERT_TRUE(decoded);
      EXPECT_TRUE(std::ranges::equal(decoded->header_bytes, encoded));
      EXPECT_EQ(decoded->wraps.size(), 3 * wrap_size);
      EXPECT_EQ(encode(decoded->header), encoded);
      EXPECT_EQ(decoded->header.signing_key, header.signing_key);
      EXPECT_EQ(decoded->header.epoch, 300U);
    }
  }
}

TEST(KeyPacket, IsNothingAtAnyOtherLength) {
  const Bytes header = encode(whole_header());
  const Bytes whole = packet(header, 2);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(decode_key_packet(ByteView(whole).first(size)).has_value(),
              size == whole.size() - wrap_size)
        << size;
  }
  Bytes longer = whole;
  longer.push_back(0);
  EXPECT_FALSE(decode_key_packet(longer));
  for (std::size_t size = 0; size < header.size(); ++size) {
    EXPECT_FALSE(decodes(ByteView(header).first(size))) << size;
  }
  Bytes more = header;
  more.push_back(0);
  EXPECT_FALSE(decodes(more));
  EXPECT_TRUE(decodes(header));
}

TEST(KeyPacket, HasABoundedNumberOfWraps) {
  const Bytes header = begun(0);
  EXPECT_FALSE(decode_key_packet(packet(header, 0)));
  EXPECT_TRUE(decode_key_packet(packet(header, wraps_in_packet)));
  EXPECT_FALSE(decode_key_packet(packet(header, wraps_in_packet + 1)));
}

TEST(KeyPacket, OfAnotherTypeIsNothing) {
  for (int type = 0; type < 256; ++type) {
    Bytes whole = packet(begun(0));
    whole[0] = static_cast<std::uint8_t>(type);
    EXPECT_EQ(decode_key_packet(whole).has_value(), type == 0x10) << type;
  }
}

TEST(KeyPacket, KnowsTwoFlags) {
  for (int flags = 0; flags < 256; ++flags) {
    Bytes header = begun(static_cast<std::uint8_t>(flags));
    if ((flags & 1) != 0) header.resize(header.size() + 32);
    if ((flags & 2) != 0) header.resize(header.size() + 9);
    EXPECT_EQ(decodes(header), flags < 4) << flags;
  }
}

TEST(KeyPacket, TakesOnlyTheShortestNumbers) {
  const Bytes stream(8);
  const auto with = [&](const Bytes& rest) {
    Bytes header = stream;
    append(header, rest);
    return decodes(header);
  };
  EXPECT_TRUE(with({1, 1, 0}));
  EXPECT_FALSE(with({0x81, 0, 1, 0}));
  EXPECT_FALSE(with({1, 0x81, 0, 0}));
  EXPECT_TRUE(takes_finals({1, 0, 1, 'a', 1}));
  EXPECT_FALSE(takes_finals({0x81, 0, 0, 1, 'a', 1}));
  EXPECT_FALSE(takes_finals({1, 0, 1, 'a', 0x81, 0}));
  Bytes whole{0x10, 0x8B, 0};
  append(whole, begun(0));
  whole.resize(whole.size() + mark_size + wrap_size);
  EXPECT_FALSE(decode_key_packet(whole));
}

TEST(KeyPacket, FinalsAreInOrderAndOfRealTopics) {
  EXPECT_TRUE(takes_finals({0}));
  EXPECT_TRUE(takes_finals({2, 0, 1, 'a', 1, 0, 1, 'b', 1}));
  EXPECT_FALSE(takes_finals({2, 0, 1, 'b', 1, 0, 1, 'a', 1}));
  EXPECT_FALSE(takes_finals({2, 0, 1, 'a', 1, 0, 1, 'a', 1}));
  EXPECT_TRUE(takes_finals({2, 0, 1, 'a', 1, 0, 2, 'a', 'a', 1}));    // "a" before "aa"
  EXPECT_TRUE(takes_finals({2, 0, 1, 'z', 1, 0, 2, 0xC2, 0xB0, 1}));  // as unsigned bytes
  EXPECT_FALSE(takes_finals({2, 0, 2, 0xC2, 0xB0, 1, 0, 1, 'z', 1}));
  EXPECT_FALSE(takes_finals({1, 0, 0, 1}));        // no topic
  EXPECT_FALSE(takes_finals({1, 0, 1, 0xFF, 1}));  // not UTF-8
  EXPECT_FALSE(takes_finals({1, 0, 1, 'a', 0}));   // nothing was sealed there
  EXPECT_TRUE(takes_finals({1, 0, 1, 'a', 0x80, 0x80, 0x80, 1}));
  EXPECT_FALSE(takes_finals({1, 0, 1, 'a', 0x81, 0x80, 0x80, 1}));  // beyond 2^21
  EXPECT_FALSE(takes_finals({2, 0, 1, 'a', 1}));                    // fewer than promised
  EXPECT_FALSE(takes_finals({1, 0, 1, 'a', 1, 0, 1, 'b', 1}));
  EXPECT_FALSE(takes_finals({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1}));
}

TEST(KeyPacket, FinalsAreOfABoundedNumberOfTopics) {
  Header header{StreamId{}, 1, 1};
  header.before = Finals{KeyId{}, {}};
  auto& topics = header.before->topics;
  for (std::size_t i = 0; i < topics_of_sender; ++i)
    topics.push_back({std::to_string(100'000 + i), 1});
  EXPECT_TRUE(decodes(encode(header)));
  topics.push_back({"200000", 1});
  EXPECT_FALSE(decodes(encode(header)));
}

struct Wraps : testing::Test {
  crypto::SeededRandom random{3};
  crypto::KeyPair sender = test_identity(1), one = test_identity(2), other = test_identity(3);
  crypto::Psk psk{crypto::Secret<32>(std::span(sender.public_key.bytes))};
  Bytes header = encode(whole_header());
  EpochKey key = EpochKey::generate(random);

  Bytes sealed() {
    const std::array readers{Recipient{one.public_key}, Recipient{other.public_key, &psk}};
    return seal_key_packets(header, key, {sender, "keys"}, readers, random)->at(0).payload;
  }
  /// What a reader finds and opens; nullopt where it finds nothing that opens.
  std::optional<EpochKey> opened(ByteView payload, const crypto::KeyPair& reader,
                                 const crypto::PublicKey& from, const crypto::Psk* with) {
    const auto packet = decode_key_packet(payload);
    const auto shared = *crypto::dh(reader.private_key, from);
    const WrapContext who{reader, from, shared, with};
    if (!packet) return std::nullopt;
    for (const auto wrap : find_wraps(*packet, who)) {
      if (auto out = open_wrap(wrap, packet->header_bytes, who)) return std::move(*out);
    }
    return std::nullopt;
  }
};

TEST_F(Wraps, OpenForTheirReaderAlone) {
  const Bytes payload = sealed();
  EXPECT_EQ(opened(payload, one, sender.public_key, nullptr), key);
  EXPECT_EQ(opened(payload, other, sender.public_key, &psk), key);
  EXPECT_FALSE(opened(payload, other, sender.public_key, nullptr));
  EXPECT_FALSE(opened(payload, one, sender.public_key, &psk));
  EXPECT_FALSE(opened(payload, test_identity(4), sender.public_key, nullptr));
  EXPECT_FALSE(opened(payload, one, other.public_key, nullptr));  // of another sender
}

TEST_F(Wraps, AreKnownAgainByTheirSenderAlone) {
  const std::array readers{Recipient{one.public_key}};
  for (const auto use : {Use::passing, Use::lasting}) {
    auto packets = seal_key_packets(header, key, {sender, "keys", use}, readers, random);
    auto& [topic, bytes] = packets->at(0);
    const auto own = [&payload = bytes](std::string_view on, const crypto::KeyPair& who) {
      return own_packet(*decode_key_packet(payload), on, who.private_key);
    };
    EXPECT_EQ(own(topic, sender), use);
    EXPECT_FALSE(own(topic, one));
    EXPECT_FALSE(own(topic + "-1", sender));
    bytes[1 + 2 + 8] ^= 1;  // the epoch's number
    EXPECT_FALSE(own(topic, sender));
  }
}

TEST_F(Wraps, AHintSharedByChanceHidesNone) {
  Bytes payload = sealed();
  const auto first = payload.end() - 2 * wrap_size, second = payload.end() - wrap_size;
  std::copy_n(first, 4, second);
  std::swap_ranges(first, second, second);  // another's comes first, under our hint
  EXPECT_EQ(opened(payload, one, sender.public_key, nullptr), key);
}

TEST_F(Wraps, OfAnotherHeaderDoNotOpen) {
  Bytes payload = sealed();
  header[8 + 2] ^= 1;  // when it was made
  Bytes moved = packet(header, 0);
  append(moved, ByteView(payload).last(2 * wrap_size));
  EXPECT_FALSE(opened(moved, one, sender.public_key, nullptr));
  const auto original = decode_key_packet(payload);
  const auto changed = decode_key_packet(moved);
  const auto shared = *crypto::dh(one.private_key, sender.public_key);
  const WrapContext who{one, sender.public_key, shared};
  EXPECT_FALSE(open_wrap(find_wraps(*original, who).at(0), changed->header_bytes, who));
}

}  // namespace
}  // namespace sts::channel
