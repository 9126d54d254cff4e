#include "client/trusted.h"

#include <gtest/gtest.h>

#include "crypto/random.h"
#include "store/peers.h"
#include "store/test_home.h"

namespace sts::client {
namespace {

class TrustedTest : public testing::Test {
 protected:
  TrustedTest() { crypto::initialise(); }

  static crypto::PublicKey key(std::uint64_t seed) {
    crypto::SeededRandom random(seed);
    return crypto::KeyPair::generate(random).public_key;
  }
  static crypto::Psk psk(std::uint8_t fill) {
    crypto::Psk out;
    std::ranges::fill(out.writable(), fill);
    return out;
  }
  void know(const std::string& name, std::uint64_t seed, std::uint8_t psk_fill = 0) {
    store::Peer peer{name, key(seed), {}};
    if (psk_fill != 0) peer.psk = psk(psk_fill);
    ASSERT_TRUE(store::add_peer(home_, std::move(peer)));
  }
  Result<Trusted> load(std::vector<PeerRef> peers, std::optional<crypto::Psk> config_psk = {}) {
    Config config;
    config.name = "to-pump";
    config.peer_line = "conf:4";
    config.peers = std::move(peers);
    config.psk = std::move(config_psk);
    return Trusted::load(config, home_);
  }
  static bool is(const crypto::Psk* found, const crypto::Psk& expected) {
    return found != nullptr && *found == expected;
  }

  store::TestHome test_;
  store::Home home_ = test_.home();
};

TEST_F(TrustedTest, AKeyNeedsNoTrustFile) {
  auto trusted = load({key(1)});
  ASSERT_TRUE(trusted);
  EXPECT_TRUE(trusted->one_peer());
  EXPECT_EQ(trusted->name(key(1)), crypto::to_text(key(1)));
  const auto trust = trusted->take();
  EXPECT_TRUE(is(trust.psk_for(key(1)), crypto::Psk()));
  EXPECT_EQ(trust.psk_for(key(2)), nullptr);
  EXPECT_FALSE(trust.first_use);
}

TEST_F(TrustedTest, AKeyThatIsInTheFileHasItsNameAndPsk) {
  know("pump", 1, 7);
  auto trusted = load({key(1)});
  ASSERT_TRUE(trusted);
  EXPECT_EQ(trusted->name(key(1)), "pump");
  EXPECT_TRUE(is(trusted->take().psk_for(key(1)), psk(7)));
}

TEST_F(TrustedTest, OnlyTheListedOnes) {
  know("a", 1, 7);
  know("b", 2);
  know("c", 3);
  auto trusted = load({std::string("a"), key(4)});
  ASSERT_TRUE(trusted);
  EXPECT_FALSE(trusted->one_peer());
  const auto trust = trusted->take();
  EXPECT_TRUE(is(trust.psk_for(key(1)), psk(7)));
  EXPECT_TRUE(is(trust.psk_for(key(4)), crypto::Psk()));
  EXPECT_EQ(trust.psk_for(key(2)), nullptr);
  EXPECT_EQ(trust.psk_for(key(3)), nullptr);
}

TEST_F(TrustedTest, TrustedIsWhoeverIsInTheFile) {
  know("a", 1, 7);
  auto trusted = load({AllTrusted{}});
  ASSERT_TRUE(trusted);
  EXPECT_FALSE(trusted->one_peer()) << "another may be added";
  const auto trust = trusted->take();
  EXPECT_TRUE(is(trust.psk_for(key(1)), psk(7)));
  EXPECT_EQ(trust.psk_for(key(2)), nullptr);
  EXPECT_FALSE(trust.first_use);
}

TEST_F(TrustedTest, TheConfigsPskGoesFirst) {
  know("a", 1, 7);
  auto trusted = load({std::string("a")}, psk(9));
  ASSERT_TRUE(trusted);
  EXPECT_TRUE(is(trusted->take().psk_for(key(1)), psk(9)));
}

TEST_F(TrustedTest, SaysWhatIsMissing) {
  const auto unknown = load({std::string("nobody")});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message, "conf:4: no peer is called nobody");
  EXPECT_EQ(unknown.error().hint, "sts peer add nobody KEY");
  const auto none = load({AllTrusted{}});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message, "conf:4: peer = trusted, and the trust file is empty");
  test_.make_home();
  store::TestHome::write(home_.peers_file(), "garbage\n");
  EXPECT_FALSE(load({key(1)})) << "a damaged trust file trusts nobody";
}

TEST_F(TrustedTest, FirstUseIsOverOnceSomebodyIsPinned) {
  auto trusted = load({FirstUse{}}, psk(9));
  ASSERT_TRUE(trusted);
  EXPECT_TRUE(trusted->one_peer());
  const auto open = trusted->take();
  EXPECT_TRUE(is(open.psk_for(key(1)), psk(9)));
  EXPECT_TRUE(is(open.psk_for(key(2)), psk(9)));

  ASSERT_TRUE(trusted->pin(key(1), home_));
  EXPECT_EQ(trusted->name(key(1)), "to-pump");
  auto again = load({FirstUse{}});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->name(key(1)), "to-pump");
  const auto trust = again->take();
  EXPECT_NE(trust.psk_for(key(1)), nullptr);
  EXPECT_EQ(trust.psk_for(key(2)), nullptr) << "a changed key is refused";
}

TEST_F(TrustedTest, APinNeverOverwritesAnother) {
  auto first = load({FirstUse{}});
  auto second = load({FirstUse{}});
  ASSERT_TRUE(first && second);
  ASSERT_TRUE(first->pin(key(1), home_));
  EXPECT_TRUE(second->pin(key(1), home_)) << "the same is no other";
  auto third = second->pin(key(2), home_);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Errc::refused);
  EXPECT_EQ(store::load_peers(home_)->size(), 1U);
}

TEST_F(TrustedTest, AKnownPeerIsNotPinnedUnderASecondName) {
  know("pump", 1);
  auto trusted = load({FirstUse{}});
  ASSERT_TRUE(trusted);
  const auto pinned = trusted->pin(key(1), home_);
  ASSERT_FALSE(pinned);
  EXPECT_EQ(pinned.error().hint, "set peer = pump");
}

}  // namespace
}  // namespace sts::client
