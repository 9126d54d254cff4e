#include "cli/qr.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace sts::cli {
namespace {

using Modules = std::vector<std::vector<bool>>;  // dark

/// What the eye sees.
Modules read_modules(std::string_view text) {
  Modules out;
  const auto starts = [&](std::string_view what) {
    if (!text.starts_with(what)) return false;
    text.remove_prefix(what.size());
    return true;
  };
  while (!text.empty()) {
    EXPECT_TRUE(starts("\033[40;37;1m"));
    std::vector<bool> upper, lower;
    while (!starts("\033[0m\n")) {
      const bool both = starts("█"), above = !both && starts("▀");
      const bool below = !both && !above && starts("▄");
      if (!both && !above && !below && !starts(" ")) {
        ADD_FAILURE() << text;
        return out;
      }
      upper.push_back(!both && !above);
      lower.push_back(!both && !below);
    }
    out.push_back(upper);
    out.push_back(lower);
  }
  return out;
}

TEST(QrCodeTest, HasItsPatternsInALightFrame) {
  const auto text = qr_code(std::string(82, 'a'));
  ASSERT_TRUE(text) << "is libqrencode4 installed?";
  const auto modules = read_modules(*text);
  constexpr std::size_t frame = 4, size = 37, eye = 7;  // version 5 takes up to 106 bytes
  ASSERT_GE(modules.size(), size + 2 * frame);
  ASSERT_EQ(modules[0].size(), size + 2 * frame);
  const auto in_code = [&](std::size_t i) { return i >= frame && i < frame + size; };
  for (std::size_t y = 0; y < modules.size(); ++y) {
    for (std::size_t x = 0; x < modules[y].size(); ++x) {
      if (!in_code(x) || !in_code(y)) {
        EXPECT_FALSE(modules[y][x]) << x << ' ' << y;
      }
    }
  }
  constexpr std::string_view pattern[eye] = {"#######", "#     #", "# ### #", "# ### #",
                                             "# ### #", "#     #", "#######"};
  for (const auto& [left, top] :
       {std::pair(0UL, 0UL), std::pair(size - eye, 0UL), std::pair(0UL, size - eye)}) {
    for (std::size_t y = 0; y < eye; ++y) {
      for (std::size_t x = 0; x < eye; ++x) {
        EXPECT_EQ(modules[frame + top + y][frame + left + x], pattern[y][x] == '#')
            << x << ' ' << y;
      }
    }
  }
}

TEST(QrCodeTest, TooLong) { EXPECT_FALSE(qr_code(std::string(5000, 'a'))); }

}  // namespace
}  // namespace sts::cli
