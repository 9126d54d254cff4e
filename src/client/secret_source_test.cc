#include "client/secret_source.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace sts::client {
namespace {

namespace fs = std::filesystem;

class SecretSourceTest : public testing::Test {
 protected:
  SecretSourceTest() {
    std::string path = fs::temp_directory_path() / "sts-secret-XXXXXX";
    directory = mkdtemp(path.data());
  }
  ~SecretSourceTest() override { fs::remove_all(directory); }

  std::string write(const std::string& name, std::string_view text, mode_t mode = 0600) const {
    const auto path = directory / name;
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
    return path;
  }

  fs::path directory;
};

TEST_F(SecretSourceTest, ReadsAFile) {
  EXPECT_EQ(read_secret("file:" + write("a", "se cret\n"), "password").value(), "se cret");
  EXPECT_EQ(read_secret("file:" + write("b", "no newline"), "password").value(), "no newline");
  EXPECT_EQ(read_secret("file:" + write("c", "two\n\n"), "password").value(), "two\n");
}

TEST_F(SecretSourceTest, RefusesAFileOfEverybodys) {
  const auto path = write("open", "secret", 0644);
  const auto refused = read_secret("file:" + path, "password");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().hint, "chmod 600 " + path);
  EXPECT_EQ(refused.error().message.find("secret\n"), std::string::npos);
}

TEST_F(SecretSourceTest, ReadsADescriptor) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "secret\n", 7), 7);
  close(ends[1]);
  EXPECT_EQ(read_secret("fd:" + std::to_string(ends[0]), "password").value(), "secret");
  close(ends[0]);
  EXPECT_FALSE(read_secret("fd:" + std::to_string(ends[0]), "password"));
  EXPECT_FALSE(read_secret("fd:x", "password"));
}

TEST_F(SecretSourceTest, ReadsTheEnvironment) {
  setenv("STS_TEST_SECRET", "secret", 1);
  EXPECT_EQ(read_secret("env:STS_TEST_SECRET", "password").value(), "secret");
  unsetenv("STS_TEST_SECRET");
  EXPECT_EQ(read_secret("env:STS_TEST_SECRET", "password").error().message,
            "the environment has no variable STS_TEST_SECRET");
}

TEST_F(SecretSourceTest, ReadsACredential) {
  write("mqtt", "secret\n");
  unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_FALSE(read_secret("cred:mqtt", "password"));
  setenv("CREDENTIALS_DIRECTORY", directory.c_str(), 1);
  EXPECT_EQ(read_secret("cred:mqtt", "password").value(), "secret");
  EXPECT_FALSE(read_secret("cred:../mqtt", "password"));
  EXPECT_FALSE(read_secret("cred:none", "password"));
  unsetenv("CREDENTIALS_DIRECTORY");
}

TEST_F(SecretSourceTest, RefusesWhatIsNoSourceOrNoSecret) {
  for (const auto& source :
       {std::string("secret"), std::string(), std::string("file:"), "file:" + write("empty", "\n"),
        "file:" + directory.string(), "file:" + write("long", std::string(65536, 'x'))}) {
    const auto refused = read_secret(source, "password");
    ASSERT_FALSE(refused) << source;
  }
  EXPECT_EQ(read_secret("hunter2", "password").error().hint,
            "one of file:PATH, fd:NUMBER, env:NAME, cred:NAME or prompt");
}

}  // namespace
}  // namespace sts::client
