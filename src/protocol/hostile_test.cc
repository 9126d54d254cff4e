// Garbage, and genuine frames with a little damage: nothing breaks, nothing arrives, the session
// lives on. The fuzz targets in fuzz/ look deeper; this runs with every test run.
#include <gtest/gtest.h>

#include <random>

#include "protocol/network_for_tests.h"

namespace sts::protocol {
namespace {

class Hostile : public testing::Test {
 protected:
  Bytes garbage() {
    Bytes out(random_() % 200);
    for (auto& byte : out) byte = static_cast<std::uint8_t>(random_());
    if (!out.empty() && random_() % 4 != 0) out[0] = static_cast<std::uint8_t>(1 + random_() % 6);
    return out;
  }
  Bytes damaged(Bytes frame) {
    switch (random_() % 4) {
      case 0:
        frame.resize(random_() % (frame.size() + 20));
        break;
      case 1:
        frame[0] = static_cast<std::uint8_t>(1 + random_() % 6);
        break;
      default:
        for (auto n = 1 + random_() % 3; n > 0; --n) {
          frame[random_() % frame.size()] ^= static_cast<std::uint8_t>(1 + random_() % 255);
        }
    }
    return frame;
  }
  std::mt19937 random_{1};
};

TEST_F(Hostile, DecodersTakeAnything) {
  std::optional<Resume> resume;
  for (int n = 0; n < 100'000; ++n) {
    Bytes bytes = garbage();
    (void)decode(bytes);
    (void)decode_resume(ByteView(bytes).first(std::min<std::size_t>(bytes.size(), 28)), resume);
    // Types that exist, so that more than the first byte is looked at.
    for (auto& byte : bytes) {
      if (random_() % 2 == 0) byte %= 11;
    }
    if (const auto records = decode_records(bytes)) {
      std::size_t total = 0;
      for (const auto& message : records->messages) total += message.body.size();
      ASSERT_LE(total, bytes.size());
    }
  }
}

TEST_F(Hostile, NothingBreaksASession) {
  Pair net;
  net.up();
  for (int round = 0; round < 100; ++round) {
    ASSERT_TRUE(net.send(net.i, net.r, "up" + std::to_string(round)));
    ASSERT_TRUE(net.send(net.r, net.i, "down" + std::to_string(round)));
    for (int n = 0; n < 1000; ++n) {
      const Network::Node to = random_() % 2 == 0 ? net.i : net.r;
      const auto& genuine = net.recorded[random_() % net.recorded.size()].bytes;
      net.inject(to, random_() % 3 == 0 ? garbage() : damaged(genuine));
    }
    net.run_for(milliseconds(random_() % 2000));
    if (net.recorded.size() > 500)
      net.recorded.erase(net.recorded.begin(), net.recorded.end() - 100);
  }
  net.run_for(5min);
  ASSERT_EQ(net.received(net.r).size(), 100U);
  ASSERT_EQ(net.received(net.i).size(), 100U);
  for (std::size_t n = 0; n < 100; ++n) {
    EXPECT_EQ(net.received(net.r)[n], "up" + std::to_string(n));
    EXPECT_EQ(net.received(net.i)[n], "down" + std::to_string(n));
  }
  EXPECT_TRUE(net.all_acknowledged());
  for (const auto& up : net.all<Up>(net.r)) EXPECT_FALSE(up.peer_restarted);
}

}  // namespace
}  // namespace sts::protocol
