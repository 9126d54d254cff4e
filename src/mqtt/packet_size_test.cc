#include "mqtt/packet_size.h"

#include <gtest/gtest.h>

namespace sts::mqtt {
namespace {

TEST(PacketSize, TheLargestPayloadFitsAndOneMoreByteDoesNot) {
  for (const auto version : {Version::v3_1_1, Version::v5}) {
    for (const auto qos : {Qos::at_most_once, Qos::at_least_once}) {
      // Around each length at which the length field takes one more byte.
      for (const std::uint32_t maximum : {30U, 100U, 128U, 129U, 130U, 131U, 1000U, 16385U, 16386U,
                                          16387U, 16388U, 2097155U, 2097156U, 2097157U, 2097158U}) {
        const auto payload = largest_payload(10, qos, version, maximum);
        EXPECT_LE(publish_packet_size(10, payload, qos, version), maximum);
        EXPECT_GT(publish_packet_size(10, payload + 1, qos, version), maximum);
      }
    }
  }
}

TEST(PacketSize, WithoutALimitItIsMqtts) {
  EXPECT_EQ(publish_packet_size(10, largest_payload(10, Qos::at_least_once, Version::v5, 0),
                                Qos::at_least_once, Version::v5),
            std::size_t{268'435'460});
}

TEST(PacketSize, NothingFitsWhereTheTopicAloneIsTooLong) {
  EXPECT_EQ(largest_payload(100, Qos::at_least_once, Version::v5, 50), 0U);
}

}  // namespace
}  // namespace sts::mqtt
