#include "protocol/record.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/reader.h"
#include "crypto/hash.h"

namespace sts::protocol {
namespace {

std::string text(ByteView bytes) { return std::string(as_text(bytes)); }

TEST(Record, StandsAsTheSpecificationSays) {
  Bytes out;
  put_ack(out, {300, 302});
  put_resent(out, {5, 2});
  put_bare(out, RecordType::ping);
  put_sized(out, RecordType::data, as_bytes("ab"));
  put_data(out, as_bytes("c"));
  EXPECT_EQ(out, (Bytes{5, 0xAC, 2, 2, 4, 5, 2, 6, 3, 2, 'a', 'b', 2, 'c'}));
}

TEST(Record, ComesBackAsItWent) {
  Bytes out;
  put_ack(out, {300, 302});
  put_resent(out, {5, 2});
  put_bare(out, RecordType::ping);
  put_bare(out, RecordType::end);
  put_bare(out, RecordType::kill);
  put_sized(out, RecordType::data, as_bytes("ab"));
  put_sized(out, RecordType::data, {});
  put_data(out, as_bytes("c"));
  const auto records = decode_records(out);
  ASSERT_TRUE(records);
  EXPECT_EQ(records->ack->next, 300U);
  EXPECT_EQ(records->ack->gap_end, 302U);
  EXPECT_EQ(records->resent->number, 5U);
  EXPECT_EQ(records->resent->gap, 2U);
  EXPECT_TRUE(records->ping && records->end && records->kill);
  ASSERT_EQ(records->messages.size(), 3U);
  EXPECT_EQ(text(records->messages[0].body), "ab");
  EXPECT_EQ(text(records->messages[1].body), "");
  EXPECT_EQ(text(records->messages[2].body), "c");
  EXPECT_FALSE(records->confirm);
}

TEST(Record, AVouchIsTheStartOfAHashOnce) {
  const auto digest = crypto::hash(Bytes{1, 2, 3});
  const Vouch vouch = vouch_for(Bytes{1, 2, 3});
  EXPECT_TRUE(std::equal(vouch.begin(), vouch.end(), digest.begin()));
  Bytes out;
  put_vouch(out, vouch);
  ASSERT_EQ(out.size(), 1U + 16);
  EXPECT_EQ(decode_records(out)->vouch, vouch);
  EXPECT_FALSE(decode_records(ByteView(out).first(16)));
  put_vouch(out, vouch);
  EXPECT_FALSE(decode_records(out));
}

TEST(Record, AWillIsAConnectionIdOnce) {
  const ConnectionId id{1, 2, 3};
  Bytes out;
  put_bare(out, RecordType::ping);
  put_will(out, id);
  ASSERT_EQ(out.size(), 1U + 1 + 16);
  EXPECT_EQ(out[1], 10);
  EXPECT_EQ(decode_records(out)->will, id);
  EXPECT_FALSE(decode_records(ByteView(out).first(17)));
  put_will(out, id);
  EXPECT_FALSE(decode_records(out));
}

TEST(Record, DataMayBeEmptyAndHoldAnyBytes) {
  const auto records = decode_records(Bytes{2});
  ASSERT_TRUE(records);
  ASSERT_EQ(records->messages.size(), 1U);
  EXPECT_TRUE(records->messages[0].body.empty());
  EXPECT_EQ(decode_records(Bytes{2, 6, 7, 8})->messages[0].body.size(), 3U);
}

TEST(Record, ConfirmCarriesAResumeOrNothing) {
  const StreamId id{1, 2, 3, 4, 5, 6, 7, 8};
  for (const auto& resume : {std::optional<Resume>{}, std::optional<Resume>{{id, 1, 300}},
                             std::optional<Resume>{{id, generations_end - 1, numbers_end - 1}}}) {
    Bytes out;
    put_confirm(out, resume);
    EXPECT_LE(out.size(), 1U + 28);
    const auto records = decode_records(out);
    ASSERT_TRUE(records && records->confirm);
    ASSERT_EQ(records->confirm->resume.has_value(), resume.has_value());
    if (!resume) continue;
    EXPECT_EQ(records->confirm->resume->id, id);
    EXPECT_EQ(records->confirm->resume->generation, resume->generation);
    EXPECT_EQ(records->confirm->resume->first, resume->first);
  }
}

TEST(Record, ResumeHasExactlyItsLength) {
  const Bytes whole = encode_resume(Resume{{}, 300, 300});
  std::optional<Resume> out;
  for (std::size_t size = 1; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_resume(ByteView(whole).first(size), out)) << size;
  }
  EXPECT_TRUE(decode_resume(whole, out));
  EXPECT_TRUE(decode_resume({}, out));
  EXPECT_FALSE(out);
  Bytes longer = whole;
  longer.push_back(0);
  EXPECT_FALSE(decode_resume(longer, out));
}

TEST(Record, PaddingIsZeroToTheEnd) {
  EXPECT_TRUE(decode_records(Bytes{0}));
  EXPECT_TRUE(decode_records(Bytes{6, 0, 0, 0}));
  EXPECT_FALSE(decode_records(Bytes{6, 0, 0, 1}));
  EXPECT_FALSE(decode_records(Bytes{0, 6}));
}

TEST(Record, PaddedSizes) {
  EXPECT_EQ(padded_size(17, Pad::none), 17U);
  EXPECT_EQ(padded_size(1, Pad::to_16), 16U);
  EXPECT_EQ(padded_size(16, Pad::to_16), 16U);
  EXPECT_EQ(padded_size(17, Pad::to_16), 32U);
  // From the definition of PADMÉ: floor(log2) of the size, of that again, and the bits between.
  const std::vector<std::pair<std::size_t, std::size_t>> padme{
      {1, 1}, {2, 2}, {8, 8}, {9, 10}, {100, 104}, {1000, 1024}, {1025, 1088}, {100'000, 100'352}};
  for (const auto& [size, padded] : padme) EXPECT_EQ(padded_size(size, Pad::padme), padded) << size;
}

TEST(Record, NumbersEndWhereSumsCouldOverflow) {
  const auto resent = [](std::uint64_t number, std::uint64_t gap) {
    Bytes out;
    put_resent(out, {number, gap});
    return decode_records(out).has_value();
  };
  EXPECT_TRUE(resent(numbers_end - 1, numbers_end - 1));
  EXPECT_FALSE(resent(numbers_end, 0));
  EXPECT_FALSE(resent(UINT64_MAX, UINT64_MAX));
  const auto ack = [](std::uint64_t next, std::uint64_t missing) {
    Bytes out{static_cast<std::uint8_t>(RecordType::ack)};
    put_varint(out, next);
    put_varint(out, missing);
    return decode_records(out).has_value();
  };
  EXPECT_TRUE(ack(numbers_end - 2, 1));
  EXPECT_FALSE(ack(numbers_end - 1, 1));
  EXPECT_FALSE(ack(numbers_end, 0));
  EXPECT_FALSE(ack(1, UINT64_MAX));
  const auto resume = [](std::uint64_t generation, std::uint64_t first) {
    std::optional<Resume> out;
    return decode_resume(encode_resume(Resume{{}, generation, first}), out);
  };
  EXPECT_TRUE(resume(generations_end - 1, numbers_end - 1));
  EXPECT_FALSE(resume(generations_end, 0));
  EXPECT_FALSE(resume(0, numbers_end));
}

TEST(Record, MalformedIsNothing) {
  const std::vector<Bytes> malformed{
      {},                     // no record
      {9},                    // unknown
      {0xFF},                 //
      {6, 6},                 // twice
      {7, 7},                 //
      {8, 8},                 //
      {5, 1, 0, 5, 1, 0},     //
      {4, 1, 0, 4, 1, 0},     //
      {5},                    // cut
      {5, 1},                 //
      {5, 0x80, 0, 0},        // not the shortest form
      {4, 0x80, 0, 0},        //
      {4, 1},                 //
      {4, 1, 2},              // a gap that begins before 0
      {3},                    //
      {3, 2, 'a'},            // longer than the frame
      {3, 1, 'a', 9},         // what follows is unknown
      {1, 0},                 // a Resume cut short
      {6, 1, 2, 3, 4, 5, 6},  //
      {5, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 1},  // next + missing overflows
      {3, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1},     // 2^64 - 1 bytes
  };
  for (const auto& bytes : malformed) {
    EXPECT_FALSE(decode_records(bytes)) << testing::PrintToString(bytes);
  }
}

TEST(Record, AFrameHasABoundedNumberOfMessages) {
  Bytes plaintext;
  for (std::size_t n = 0; n < frame_messages; ++n) put_sized(plaintext, RecordType::data, {});
  ASSERT_TRUE(decode_records(plaintext));
  EXPECT_EQ(decode_records(plaintext)->messages.size(), frame_messages);
  put_sized(plaintext, RecordType::data, {});
  EXPECT_FALSE(decode_records(plaintext));
}

TEST(Record, ResentComesBeforeWhatItSpeaksOf) {
  Bytes right;
  put_resent(right, {5, 2});
  put_sized(right, RecordType::data, as_bytes("text"));
  EXPECT_TRUE(decode_records(right));
  for (const bool kill : {false, true}) {
    Bytes wrong;
    kill ? put_bare(wrong, RecordType::kill) : put_sized(wrong, RecordType::data, as_bytes("text"));
    put_resent(wrong, {5, 2});
    EXPECT_FALSE(decode_records(wrong));
  }
}

}  // namespace
}  // namespace sts::protocol
