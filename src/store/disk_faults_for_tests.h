// Whatever a disk may do, at each place where it can.
#pragma once

#include <gtest/gtest.h>

#include "store/faulty_vfs_for_tests.h"

namespace sts::store {

/// `User` lives over all restarts of what it uses. `bool work()` does all of it, or until the disk
/// fails; `void check()` expects on a disk that works what was promised to it.
template <typename User>
class DiskFaultsTest : public testing::Test {
 protected:
  void SetUp() override {
    inject({});
    User user;
    ASSERT_TRUE(user.work());
    writes_ = disk_writes();
    syncs_ = disk_syncs();
    ASSERT_GT(writes_, 20);
    ASSERT_GT(syncs_, 6);
    user.check();
  }
  void TearDown() override { inject({}); }

  void each_write_fails_once(int error) {
    for (int i = 1; i <= writes_; ++i) fails_once({.write = i, .error = error}, i);
  }
  void each_sync_fails_once() {
    for (int i = 1; i <= syncs_; ++i) fails_once({.sync = i}, i);
  }
  void power_is_lost_at_each_write() {
    for (std::uint64_t seed = 0; seed < 2; ++seed) {
      for (int i = 1; i <= writes_; ++i) {
        SCOPED_TRACE(i);
        inject({.power_lost = i});
        User user;
        (void)user.work();
        restore_power(seed == 0 ? 0 : seed * 1000 + static_cast<std::uint64_t>(i));
        works_again(user);
      }
    }
  }

 private:
  static void fails_once(const DiskFaults& faults, int at) {
    SCOPED_TRACE(at);
    inject(faults);
    User user;
    (void)user.work();
    (void)user.work();  // another process
    inject({});
    works_again(user);
  }
  static void works_again(User& user) {
    user.check();
    EXPECT_TRUE(user.work());
    user.check();
  }

  int writes_ = 0, syncs_ = 0;
};

}  // namespace sts::store
