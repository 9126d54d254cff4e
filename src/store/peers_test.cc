#include "store/peers.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>

#include "crypto/random.h"
#include "store/file.h"
#include "store/test_home.h"

namespace sts::store {
namespace {

class PeersTest : public testing::Test {
 protected:
  PeersTest() { crypto::initialise(); }

  static crypto::PublicKey key(std::uint64_t seed) {
    crypto::SeededRandom random(seed);
    return crypto::KeyPair::generate(random).public_key;
  }
  static crypto::Psk psk(std::uint64_t seed) {
    crypto::SeededRandom random(seed);
    crypto::Psk psk;
    random.fill(psk.writable());
    return psk;
  }
  Result<void> add(const std::string& name, std::uint64_t seed) {
    return add_peer(home_, {name, key(seed), std::nullopt});
  }
  std::string text() const { return TestHome::read(home_.peers_file()); }
  void write(const std::string& text, mode_t mode = 0600) {
    test_.make_home();
    TestHome::write(home_.peers_file(), text, mode);
  }
  std::vector<std::string> names() {
    std::vector<std::string> names;
    auto peers = load_peers(home_);
    if (!peers) return {"error: " + peers.error().message};
    for (const auto& peer : *peers) names.push_back(peer.name);
    return names;
  }

  TestHome test_;
  Home home_ = test_.home();
  const std::string key1_ = crypto::to_text(key(1)), key2_ = crypto::to_text(key(2));
};

using Names = std::vector<std::string>;

TEST_F(PeersTest, Names) {
  for (const char* good : {"a", "Pump-3.north_wing", "0", "first-use2", "Trusted"}) {
    EXPECT_TRUE(valid_peer_name(good)) << good;
  }
  EXPECT_TRUE(valid_peer_name(std::string(64, 'x')));
  for (const char* bad :
       {"", "-a", "a b", "a/b", "a=", "#a", "first-use", "trusted", "\xc3\xa4", "a\n"}) {
    EXPECT_FALSE(valid_peer_name(bad)) << bad;
  }
  EXPECT_FALSE(valid_peer_name(std::string(65, 'x')));
  EXPECT_FALSE(add("a b", 1));
  EXPECT_FALSE(std::filesystem::exists(home_.directory()));
}

TEST_F(PeersTest, NoneWhereThereIsNoFile) { EXPECT_EQ(names(), Names{}); }

TEST_F(PeersTest, ComeBackInTheirOrderWithTheirPsks) {
  ASSERT_TRUE(add("zeta", 1));
  ASSERT_TRUE(add_peer(home_, {"alpha", key(2), psk(9)}));
  auto peers = load_peers(home_);
  ASSERT_TRUE(peers) << peers.error().message;
  ASSERT_EQ(peers->size(), 2U);
  EXPECT_EQ((*peers)[0].name, "zeta");
  EXPECT_EQ((*peers)[0].key, key(1));
  EXPECT_FALSE((*peers)[0].psk);
  EXPECT_EQ((*peers)[1].name, "alpha");
  EXPECT_TRUE((*peers)[1].psk && *(*peers)[1].psk == psk(9));
  EXPECT_EQ(TestHome::mode(home_.peers_file()), 0600U);
  EXPECT_EQ(TestHome::mode(home_.directory()), 0700U);
}

TEST_F(PeersTest, RightsComeBackWhateverIsInThem) {
  const Rights odd{{"plant/#", "a b\tc%\n\x7f/\xc3\xa4", "#"}, {"reads=x", "+/alarm"}};
  ASSERT_TRUE(add_peer(home_, {"pump", key(1), psk(9), odd}));
  EXPECT_TRUE(text().ends_with(
      " reads=plant/# reads=a%20b%09c%25%0a%7f/\xc3\xa4 reads=# writes=reads=x writes=+/alarm\n"))
      << text();
  auto peers = load_peers(home_);
  ASSERT_TRUE(peers) << peers.error().message;
  EXPECT_EQ(peers->front().rights.reads, odd.reads);
  EXPECT_EQ(peers->front().rights.writes, odd.writes);
  EXPECT_TRUE(peers->front().psk && *peers->front().psk == psk(9));
  const auto before = text();
  for (const auto& bad : {Rights{{"a#"}}, Rights{{}, {""}}, Rights{{std::string("a\0", 2)}}}) {
    EXPECT_FALSE(add_peer(home_, {"valve", key(2), {}, bad}));
    EXPECT_FALSE(allow(home_, "pump", bad));
  }
  EXPECT_EQ(text(), before);
}

TEST_F(PeersTest, RightsAreGivenAndTaken) {
  write("# ours\nvalve  " + key2_ + "\npump " + key1_ + " writes=a\n");
  ASSERT_TRUE(add_peer(home_, {"pump", key(1), {}, {{"x"}, {"a", "b"}}}));
  const auto rest = "# ours\nvalve  " + key2_ + "\npump " + key1_;
  EXPECT_EQ(text(), rest + " reads=x writes=a writes=b\n");
  ASSERT_TRUE(allow(home_, "pump", {{"y", "x", "y"}, {}}));
  EXPECT_EQ(text(), rest + " reads=x reads=y writes=a writes=b\n");
  auto refused = deny(home_, "pump", {{"x"}, {"c"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "'pump' has no writes=c");
  EXPECT_EQ(text(), rest + " reads=x reads=y writes=a writes=b\n");
  ASSERT_TRUE(deny(home_, "pump", {{"x"}, {"a", "b"}}));
  EXPECT_EQ(text(), rest + " reads=y\n");
  for (const auto& outcome : {allow(home_, "nobody", {{"x"}}), deny(home_, "nobody", {})}) {
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().message, "no peer is named 'nobody'");
  }
}

TEST_F(PeersTest, EnrolledPeersKeepANameThatTheyHave) {
  const auto named = enrol_peer(home_, key(1), "", {{"a"}});
  const auto made = "peer-" + crypto::fingerprint(key(1)).substr(0, 9);
  ASSERT_TRUE(named) << named.error().message;
  EXPECT_EQ(*named, made);
  EXPECT_EQ(enrol_peer(home_, key(1), "pump", {{"b"}, {"c"}}), made);
  EXPECT_EQ(text(), made + " " + key1_ + " reads=a reads=b writes=c\n");
  EXPECT_EQ(enrol_peer(home_, key(2), "pump", {}), "pump");
  const auto taken = enrol_peer(home_, key(3), "pump", {});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().message, "the name 'pump' is taken, its key is " + key2_);
  EXPECT_FALSE(enrol_peer(home_, key(3), "a b", {}));
  EXPECT_FALSE(enrol_peer(home_, key(3), "x", {{"a#"}}));
  EXPECT_EQ(names(), (Names{made, "pump"}));
}

TEST_F(PeersTest, WhoMayReadAndWriteATopic) {
  std::vector<Peer> peers;
  peers.push_back({"a", key(1), {}, {{"plant/#"}, {}}});
  peers.push_back({"b", key(2), {}, {{"x", "plant/+/temp"}, {"alarm"}}});
  peers.push_back({"c", key(3), {}});
  const auto readers = [&](std::string_view topic) {
    std::string out;
    for (const auto* peer : readers_of(peers, topic)) out += peer->name;
    return out;
  };
  EXPECT_EQ(readers("plant/7/temp"), "ab");
  EXPECT_EQ(readers("plant/7"), "a");
  EXPECT_EQ(readers("x"), "b");
  EXPECT_EQ(readers("alarm"), "");
  EXPECT_TRUE(may_write(peers[1], "alarm"));
  EXPECT_FALSE(may_write(peers[1], "x"));
  EXPECT_FALSE(may_write(peers[0], "plant/7"));
}

TEST_F(PeersTest, ClashesAreRefusedWithTheCommandThatSolvesThem) {
  ASSERT_TRUE(add("pump", 1));
  const auto before = text();
  auto name_taken = add("pump", 2);
  ASSERT_FALSE(name_taken);
  EXPECT_EQ(name_taken.error().code, Errc::refused);
  EXPECT_EQ(name_taken.error().message, "the name 'pump' is taken, its key is " + key1_);
  EXPECT_EQ(name_taken.error().hint, "sts peer remove pump");
  auto key_taken = add("valve", 1);
  ASSERT_FALSE(key_taken);
  EXPECT_EQ(key_taken.error().message, "this key is listed already, as 'pump'");
  EXPECT_EQ(key_taken.error().hint, "sts peer remove pump");
  EXPECT_TRUE(add("pump", 1)) << "the same again is no clash";
  EXPECT_EQ(text(), before);
}

TEST_F(PeersTest, APskCanBeAddedLaterButNotReplacedOrLost) {
  ASSERT_TRUE(add("pump", 1));
  ASSERT_TRUE(add("valve", 2));
  ASSERT_TRUE(add_peer(home_, {"pump", key(1), psk(3)}));
  EXPECT_EQ(names(), (Names{"pump", "valve"}));
  auto other = add_peer(home_, {"pump", key(1), psk(4)});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().hint, "sts peer remove pump");
  ASSERT_TRUE(add("pump", 1)) << "a pin without a psk";
  auto peers = load_peers(home_);
  ASSERT_TRUE(peers);
  EXPECT_TRUE((*peers)[0].psk && *(*peers)[0].psk == psk(3));
}

TEST_F(PeersTest, ARewriteKeepsCommentsAndOrder) {
  write("# ours\n\npump " + key1_ + "\n  # north\nvalve\t" + key2_);
  ASSERT_TRUE(add("new", 3));
  EXPECT_EQ(text(), "# ours\n\npump " + key1_ + "\n  # north\nvalve\t" + key2_ + "\nnew " +
                        crypto::to_text(key(3)) + "\n");
  ASSERT_TRUE(remove_peer(home_, "pump"));
  EXPECT_EQ(text(),
            "# ours\n\n  # north\nvalve\t" + key2_ + "\nnew " + crypto::to_text(key(3)) + "\n");
}

TEST_F(PeersTest, RemovingAStrangerIsAnError) {
  auto removed = remove_peer(home_, "nobody");
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().message, "no peer is named 'nobody'");
  EXPECT_EQ(removed.error().hint, "'sts peer list' shows them");
}

TEST_F(PeersTest, ADamagedLineIsToldWithItsNumberAndNothingIsWritten) {
  const auto good = "pump " + key1_ + "\n";
  const auto secret = crypto::to_text(psk(5));
  const struct {
    std::string text, error;
  } cases[] = {
      {good + "valve\n", ":2: a line is NAME KEY [PSK] [reads=FILTER]"},
      {"# c\n" + good + "valve " + key2_ + " " + secret + " more\n", ":3: a line is NAME KEY"},
      {"first-use " + key2_ + "\n", ":1: not a valid name"},
      {good + "\nvalve " + key2_.substr(1) + "\n", ":3: "},
      {good + "valve " + key2_ + " " + secret.substr(1) + "\n", ":2: PSK: "},
      {good + "valve " + key2_ + " " + crypto::to_text(crypto::Secret<32>()) + "\n",
       ":2: PSK: a psk of"},
      {good + "valve " + key2_ + "\npump " + crypto::to_text(key(3)) + "\n",
       ":3: the name 'pump' is in line 1 too"},
      {good + "valve " + key1_ + "\n", ":2: the same key is in line 1 too"},
      {good + std::string("\0", 1) + "\n", ":2: "},
      {good + "valve " + key2_ + " reads=\n", ":2: no topic given"},
      {good + "valve " + key2_ + " writes=a#\n", ":2: a wildcard where it may not be in 'a#'"},
      {good + "valve " + key2_ + " reads=100%\n", ":2: in a filter '%' is written as %25"},
      {good + "valve " + key2_ + " reads=%0g\n", ":2: in a filter '%' is written as %25"},
      {good + "valve " + key2_ + " reads=a%00\n", ":2: a topic that is not UTF-8 text"},
      {good + "valve " + key2_ + " reads=a " + secret + "\n", ":2: a line is NAME KEY [PSK]"},
  };
  for (const auto& [content, error] : cases) {
    write(content);
    const auto expected = home_.peers_file().string() + error;
    for (const auto& outcome :
         {load_peers(home_).map([](auto&&) {}), add("new", 9), remove_peer(home_, "pump")}) {
      ASSERT_FALSE(outcome) << content;
      EXPECT_TRUE(outcome.error().message.starts_with(expected)) << outcome.error().message;
      EXPECT_FALSE(outcome.error().hint.empty());
      EXPECT_EQ(outcome.error().message.find(secret.substr(1)), std::string::npos);
    }
    EXPECT_EQ(text(), content);
  }
}

TEST_F(PeersTest, WhatOthersMayDoWithTheFile) {
  const auto path = home_.peers_file().string();
  write("pump " + key1_ + "\n", 0644);
  EXPECT_EQ(names(), Names{"pump"}) << "public keys may be read";
  write("pump " + key1_ + "\n", 0664);
  EXPECT_EQ(names(), Names{"error: " + path + " can be written by others"});
  write("pump " + key1_ + " " + crypto::to_text(psk(1)) + "\n", 0640);
  auto refused = load_peers(home_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, path + " can be read by others");
  EXPECT_EQ(refused.error().hint, "chmod 600 " + path);
}

TEST_F(PeersTest, WhatOthersMayDoWithTheHome) {
  write("pump " + key1_ + "\n");
  const auto directory = home_.directory().string();
  ASSERT_EQ(::chmod(directory.c_str(), 0770), 0);
  auto refused = load_peers(home_);
  ASSERT_FALSE(refused) << "someone else's file could have taken the place of ours";
  EXPECT_EQ(refused.error().message, directory + " can be written by others");
  EXPECT_EQ(refused.error().hint, "chmod 700 " + directory);
  ASSERT_EQ(::chmod(directory.c_str(), 0750), 0);
  EXPECT_EQ(names(), Names{"pump"});
}

TEST_F(PeersTest, AKeyOfNobodyIsRefused) {
  auto refused = add_peer(home_, {"pump", crypto::PublicKey(), std::nullopt});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "this key is a point of small order, which is nobody's key");
  EXPECT_FALSE(std::filesystem::exists(home_.peers_file()));
}

TEST_F(PeersTest, AFullFileIsToldWithTheRemedy) {
  const auto full = "#" + std::string((std::size_t{4} << 20U) - 2, 'x') + "\n";
  write(full);
  auto refused = add("pump", 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, home_.peers_file().string() + " is full");
  EXPECT_EQ(refused.error().hint, "remove peers with 'sts peer remove NAME'");
  EXPECT_EQ(text(), full);
}

TEST_F(PeersTest, ManyProcessesLoseNothing) {
  constexpr std::uint64_t processes = 6, each = 5;
  std::vector<pid_t> children;
  for (std::uint64_t process = 0; process < processes; ++process) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (std::uint64_t i = 0; i < each; ++i) {
        const auto seed = process * each + i;
        if (!add("p" + std::to_string(seed), seed)) ::_exit(1);
        if (!add("gone" + std::to_string(seed), 1000 + seed)) ::_exit(2);
        if (!remove_peer(home_, "gone" + std::to_string(seed))) ::_exit(3);
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  auto peers = load_peers(home_);
  ASSERT_TRUE(peers) << peers.error().message;
  std::vector<std::string> expected, found;
  for (std::uint64_t i = 0; i < processes * each; ++i) expected.push_back("p" + std::to_string(i));
  for (const auto& peer : *peers) {
    found.push_back(peer.name);
    EXPECT_EQ(peer.key, key(std::stoul(peer.name.substr(1))));
  }
  std::sort(expected.begin(), expected.end());
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, expected);
}

TEST_F(PeersTest, WhereNothingMoreCanBeWrittenTheOldFileStays) {
  std::string many = "# much\n";
  for (std::uint64_t i = 0; i < 20; ++i) {
    many += "p" + std::to_string(i) + " " + crypto::to_text(key(i)) + "\n";
  }
  write(many);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{200, 200};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    auto added = add("new", 100);
    const bool told =
        !added && added.error().code == Errc::io &&
        added.error().message == "cannot write " + home_.peers_file().string() + ": File too large";
    ::_exit(told ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(text(), many);
  EXPECT_FALSE(std::filesystem::exists(home_.peers_file().string() + ".new"));
}

TEST_F(PeersTest, WhatACrashLeftBehindIsNoHindrance) {
  write("pump " + key1_ + "\n");
  TestHome::write(home_.peers_file().string() + ".new", "half a li", 0666);
  ASSERT_TRUE(add("valve", 2));
  EXPECT_EQ(names(), (Names{"pump", "valve"}));
  EXPECT_EQ(TestHome::mode(home_.peers_file()), 0600U);
}

}  // namespace
}  // namespace sts::store
