// A home of its own for each test, gone with it.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "store/home.h"

namespace sts::store {

class TestHome {
 public:
  TestHome() {
    std::string name = (std::filesystem::temp_directory_path() / "sts-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    root_ = name;
  }
  ~TestHome() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  TestHome(const TestHome&) = delete;
  TestHome& operator=(const TestHome&) = delete;

  /// Exists, 0700.
  const std::filesystem::path& root() const { return root_; }
  /// Below it, and made only by what is tested.
  Home home() const { return Home(root_ / "config" / "sts"); }

  void make_home() const {
    std::filesystem::create_directories(home().directory());
    EXPECT_EQ(::chmod(home().directory().c_str(), 0700), 0);
  }

  static std::filesystem::path write(const std::filesystem::path& path, const std::string& text,
                                     mode_t mode = 0600) {
    std::ofstream(path, std::ios::binary) << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  static std::string read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static mode_t mode(const std::filesystem::path& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777U;
  }

 private:
  std::filesystem::path root_;
};

}  // namespace sts::store
