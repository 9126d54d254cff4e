// Signatures: against readers who have the key.
#include <gtest/gtest.h>

#include "channel/world_for_tests.h"
#include "crypto/hash.h"

namespace sts::channel {
namespace {

using Texts = std::vector<std::string>;

TEST(Signed, NoReaderSpeaksAsTheSender) {
  for (const bool sign : {false, true}) {
    World world({.sign = sign});
    auto& honest = world.add_reader();
    auto& dishonest = world.add_reader();
    const auto packets = world.begin_epoch();
    world.publish(packets);
    world.say("t", "true");
    ASSERT_EQ(dishonest.texts(), (Texts{"true"}));

    const KnownKey known(dishonest, world.identity.public_key, packets[0].payload);
    Bytes forged = known.seal("t", 1, encode({.payload = as_bytes("a lie")}, Pad::none));
    const ByteView header = ByteView(forged).first(1 + 8 + 1);
    world.publish({"t", forged, false});
    const auto own = crypto::SigningKey::from_seed(
        crypto::kdf(dishonest.identity.private_key.bytes(), "STS 2 signing key", {}));
    append(forged, own.sign(signed_bytes("t", header, ByteView(forged).subspan(header.size()))));
    world.publish({"t", forged, false});

    if (sign) {
      EXPECT_EQ(honest.texts(), (Texts{"true"}));
      EXPECT_EQ(honest.count(NoticeKind::not_signed), 2U);
    } else {
      EXPECT_EQ(honest.texts(), (Texts{"true", "a lie"}));  // which is what signing is for
    }
  }
}

TEST(Signed, OnceSignedAlwaysSigned) {
  World world;
  auto& reader = world.add_reader();
  world.publish(world.begin_epoch());
  world.say("t", "unsigned");
  Sender signing(world.identity, {.sign = true}, world.random);
  const auto begin = [&](Sender& sender) {
    ++world.number;
    const auto packets = *sender.begin_epoch(world.members, world.number, 0, world.now);
    for (const auto& [topic, payload] : packets) world.publish({topic, payload, true});
  };
  const auto held = world.seal("t", "under the unsigned key");
  begin(signing);
  world.publish({"t", *signing.seal("t", {.payload = as_bytes("signed")}, world.now), false});
  world.publish(held);
  begin(*world.sender);
  EXPECT_EQ(reader.count(NoticeKind::not_signed), 1U);
  world.say("t", "under another unsigned key");
  EXPECT_EQ(reader.texts(), (Texts{"unsigned", "signed"}));
}

TEST(Signed, RecordedPacketsWithoutASignatureCostLittle) {
  World world;
  auto& reader = world.add_reader();
  const auto recorded = world.begin_epoch();  // on a day when nobody listened
  world.sender =
      std::make_unique<Sender>(world.identity, SenderOptions{.sign = true}, world.random);
  world.publish(world.begin_epoch());
  for (int i = 0; i < 100; ++i) world.publish(recorded);
  EXPECT_EQ(reader.count(NoticeKind::not_signed) + reader.count(NoticeKind::old_key),
            static_cast<std::uint64_t>(forged_packets_burst));
}

}  // namespace
}  // namespace sts::channel
