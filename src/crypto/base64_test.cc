#include "crypto/base64.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "crypto/keys.h"

namespace sts::crypto {
namespace {

TEST(Base64UrlTest, Rfc4648) {
  initialise();
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [plain, text] : cases) {
    EXPECT_EQ(to_base64url(as_bytes(plain)), text);
    const auto back = from_base64url(text);
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(as_text(*back), plain);
  }
  EXPECT_EQ(to_base64url(*from_hex("fbefff")), "--__");
  EXPECT_EQ(from_base64url("--__"), from_hex("fbefff").value());
}

TEST(Base64UrlTest, NothingElse) {
  initialise();
  for (const std::string_view bad :
       {"Z", "Zg==", "Zh", "Zm9", "Zm9v\n", " Zm9v", "++//", "Zm9vY", "Z\xc3\xa4g", "Zm.v"}) {
    EXPECT_FALSE(from_base64url(bad)) << bad;
  }
}

}  // namespace
}  // namespace sts::crypto
