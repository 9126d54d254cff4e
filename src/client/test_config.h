// What the tests of config files share.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/config.h"
#include "crypto/random.h"
#include "store/test_home.h"

namespace sts::client {

using store::TestHome;

inline std::string key_text(std::uint64_t seed) {
  crypto::SeededRandom random(seed);
  return crypto::to_text(crypto::KeyPair::generate(random).public_key);
}

inline const std::string topics = "subtop = in\npubtop = out\n";
inline const std::string nosec = topics + "sts_mode = nosec\n";  // 3 lines each
inline const std::string master = topics + "sts_mode = master\n";
inline const std::string slave = topics + "sts_mode = slave\n";
inline const std::string legacy = topics + "sts_mode = slave\naes = cbc\n";  // 4 lines

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() { crypto::initialise(); }

  Result<Config> load(const std::string& text, mode_t mode = 0600) {
    TestHome::write(path_, text, mode);
    return load_config(path_);
  }
  /// The error without the path in front, and its hint: ":3: what | hint".
  std::string error(const std::string& text, mode_t mode = 0600) {
    auto config = load(text, mode);
    if (config) return "it loads";
    const auto& [code, message, hint] = config.error();
    return (message.starts_with(path_) ? message.substr(path_.size()) : message) + " | " + hint;
  }

  struct BadConfig {
    std::string text, error;  // the error's beginning
  };
  /// Each is refused, in one line, with a hint.
  void expect_errors(const std::vector<BadConfig>& cases) {
    for (const auto& [text, expected] : cases) {
      const auto found = error(text);
      EXPECT_TRUE(found.starts_with(expected))
          << text << "\n  is: " << found << "\n  not: " << expected;
      EXPECT_FALSE(found.ends_with(" | ")) << "no hint: " << found;
      EXPECT_EQ(found.find('\n'), std::string::npos) << found;
    }
  }

  TestHome test_;
  const std::string path_ = (test_.root() / "pump").string();
};

}  // namespace sts::client
