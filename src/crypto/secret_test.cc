#include "crypto/secret.h"

#include <gtest/gtest.h>

#include <optional>
#include <sstream>
#include <type_traits>

#include "crypto/keys.h"

namespace sts::crypto {
namespace {

template <typename T>
concept Printable = requires(std::ostringstream out, const T& value) {
  out << value;
};

static_assert(!std::is_copy_constructible_v<Secret<32>> && !std::is_copy_assignable_v<Secret<32>>);
static_assert(!std::is_copy_constructible_v<KeyPair> && !Printable<Secret<32>>);
static_assert(!std::is_convertible_v<Psk, PrivateKey> && !std::is_convertible_v<PrivateKey, Psk>);

Secret<32> filled(std::uint8_t value) {
  std::array<std::uint8_t, 32> bytes{};
  bytes.fill(value);
  return Secret<32>(bytes);
}

// NOLINTBEGIN(bugprone-use-after-move): what is left behind is the point of these two.
TEST(Secret, IsWipedWhenMovedFrom) {
  auto from = filled(7);
  const auto to = std::move(from);
  EXPECT_TRUE(to == filled(7));
  EXPECT_TRUE(from == Secret<32>());

  auto again = filled(8);
  auto target = filled(9);
  target = std::move(again);
  EXPECT_TRUE(target == filled(8));
  EXPECT_TRUE(again == Secret<32>());
}

TEST(Secret, KeyTypesAreWipedWhenMovedFrom) {
  PrivateKey from(filled(7));
  const auto to = std::move(from);
  EXPECT_TRUE(to == filled(7));
  EXPECT_TRUE(from == Secret<32>());

  std::optional<Psk> psk(filled(7));
  const auto taken = *std::move(psk);
  EXPECT_TRUE(taken == filled(7));
  EXPECT_TRUE(*psk == Secret<32>());
}
// NOLINTEND(bugprone-use-after-move)

TEST(Secret, SurvivesAssignmentToItself) {
  auto secret = filled(7);
  auto& same = secret;
  secret = std::move(same);
  EXPECT_TRUE(secret == filled(7));
}

TEST(Secret, CloneIsIndependent) {
  auto secret = filled(7);
  const auto clone = secret.clone();
  secret.wipe();
  EXPECT_TRUE(clone == filled(7));
  EXPECT_FALSE(secret == clone);
}

}  // namespace
}  // namespace sts::crypto
