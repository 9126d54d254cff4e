#include "store/home.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

namespace sts::store {
namespace {

/// Gives the environment back as it was.
class HomeTest : public testing::Test {
 public:
  HomeTest() {
    for (const char* name : {"STS_HOME", "XDG_CONFIG_HOME", "HOME"}) {
      if (const char* value = std::getenv(name)) saved_[name] = value;
      ::unsetenv(name);
    }
  }
  ~HomeTest() override {
    for (const char* name : {"STS_HOME", "XDG_CONFIG_HOME", "HOME"}) ::unsetenv(name);
    for (const auto& [name, value] : saved_) ::setenv(name.c_str(), value.c_str(), 1);
  }

 private:
  std::map<std::string, std::string> saved_;
};

TEST_F(HomeTest, TheMostSpecificVariableCounts) {
  ::setenv("HOME", "/home/u", 1);
  EXPECT_EQ(Home::from_environment()->directory(), "/home/u/.config/sts");
  ::setenv("XDG_CONFIG_HOME", "/etc/u", 1);
  EXPECT_EQ(Home::from_environment()->directory(), "/etc/u/sts");
  ::setenv("STS_HOME", "/var/lib/device", 1);
  EXPECT_EQ(Home::from_environment()->directory(), "/var/lib/device");
  EXPECT_EQ(Home::from_environment()->identity_file(), "/var/lib/device/identity");
  EXPECT_EQ(Home::from_environment()->peers_file(), "/var/lib/device/peers");
}

TEST_F(HomeTest, EmptyAndRelativeXdgValuesDoNotCount) {
  ::setenv("HOME", "/home/u", 1);
  ::setenv("XDG_CONFIG_HOME", "relative", 1);
  ::setenv("STS_HOME", "", 1);
  EXPECT_EQ(Home::from_environment()->directory(), "/home/u/.config/sts");
}

TEST_F(HomeTest, NoneOfThemIsAnErrorWithAWayOut) {
  auto home = Home::from_environment();
  ASSERT_FALSE(home);
  EXPECT_NE(home.error().hint.find("STS_HOME"), std::string::npos);
}

}  // namespace
}  // namespace sts::store
