#include "cli/output_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <map>

#include "store/test_home.h"

namespace sts::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// 2026-11-23T22:28:16.902Z
const WallClock start{1795472896s + 902ms};
const std::string stamp = ".20261123T222816Z";

class OutputTest : public testing::Test {
 protected:
  fs::path file() const { return dir() / "out"; }
  const fs::path& dir() const { return place_.root(); }

  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::directory_iterator(dir())) {
      found[entry.path().filename()] = store::TestHome::read(entry.path());
    }
    return found;
  }

  static std::unique_ptr<Output> open(const OutputChoices& choices) {
    auto opened = open_output(choices);
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }

  store::TestHome place_;
};

using Files = std::map<std::string, std::string>;

TEST_F(OutputTest, AppendsToAPrivateFile) {
  EXPECT_TRUE(open({file()})->write("t", "one\n", start));
  EXPECT_EQ(store::TestHome::mode(file()), 0600U);
  const auto output = open({file()});
  EXPECT_TRUE(output->write("t", "two\n", start));
  EXPECT_TRUE(output->close());
  EXPECT_EQ(files(), (Files{{"out", "one\ntwo\n"}}));
}

TEST_F(OutputTest, RotatesBySizeAndNeverSplitsAMessage) {
  const auto output = open({.path = file(), .rotate_size = 8});
  for (const auto* text : {"aaaa", "bbbb", "cccc", "longer than it all", "d"}) {
    EXPECT_TRUE(output->write("t", text, start));
  }
  EXPECT_EQ(files(), (Files{{"out", "d"},
                            {"out" + stamp, "aaaabbbb"},
                            {"out" + stamp + ".1", "cccc"},
                            {"out" + stamp + ".2", "longer than it all"}}));
  EXPECT_EQ(store::TestHome::mode(file()), 0600U);
}

TEST_F(OutputTest, KeepsTheYoungestAndOnlyDeletesItsOwn) {
  store::TestHome::write(dir() / "out.20261123T222816Z.old", "not ours");
  store::TestHome::write(dir() / "out.20261123T222816Z.01", "not ours");
  store::TestHome::write(dir() / "other.20261123T222816Z", "not ours");
  const auto output = open({.path = file(), .rotate_size = 1, .rotate_keep = 2});
  for (int i = 0; i < 14; ++i) EXPECT_TRUE(output->write("t", std::to_string(i), start));
  // The clock set back makes nothing younger than it is.
  EXPECT_TRUE(output->write("t", "last", start - 1h));
  EXPECT_EQ(files(), (Files{{"out", "last"},
                            {"out" + stamp + ".12", "12"},
                            {"out" + stamp + ".13", "13"},
                            {"out.20261123T222816Z.old", "not ours"},
                            {"out.20261123T222816Z.01", "not ours"},
                            {"other.20261123T222816Z", "not ours"}}));
}

TEST_F(OutputTest, RotatesAtMultiplesOfTheTimeEvenAfterARestart) {
  store::TestHome::write(file(), "old");
  const timespec times[2] = {{1795472896, 0}, {1795472896, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, file().c_str(), times, 0), 0);
  const auto output = open({.path = file(), .rotate_time = 1h});
  EXPECT_TRUE(output->write("t", " same hour", start + 1s));
  EXPECT_TRUE(output->write("t", "next hour", start + 32min));
  EXPECT_EQ(files(), (Files{{"out", "next hour"}, {"out.20261123T230016Z", "old same hour"}}));
}

TEST_F(OutputTest, AFullDiskIsReportedWithTheMessage) {
  const auto output = open({"/dev/full"});
  const auto done = output->write("a/b\n", "text", start);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message,
            "cannot write the message on a/b\\n to /dev/full: No space left on device");
  EXPECT_FALSE(done.error().hint.empty());
  const auto rotating = open_output({.path = "/dev/full", .rotate_size = 1});
  ASSERT_FALSE(rotating);
  EXPECT_EQ(rotating.error().code, Errc::bad_input);
}

TEST_F(OutputTest, HalfAMessageDoesNotStay) {
  const auto output = open({file()});
  EXPECT_TRUE(output->write("t", "whole\n", start));
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{10, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto failed = output->write("t", "too long for it\n", start);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(failed);
  EXPECT_TRUE(output->write("t", "next\n", start));
  EXPECT_EQ(files(), (Files{{"out", "whole\nnext\n"}}));
}

TEST_F(OutputTest, ErrorsNameTheFileAndTheReason) {
  const auto missing = open_output({dir() / "no" / "out"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message,
            "cannot open " + (dir() / "no" / "out").string() + ": No such file or directory");
  EXPECT_FALSE(open_output({(dir() / "no" / "out").string() + "/"}));
  EXPECT_FALSE(open_output({.path = dir(), .rotate_size = 1}));
  EXPECT_FALSE(open_output({.path = file(), .rotate_keep = 1}));
}

TEST_F(OutputTest, ADirectoryGetsAFileForEachMessage) {
  const fs::path made = dir() / "made";
  const auto output = open({made.string() + "/"});
  EXPECT_EQ(store::TestHome::mode(made), 0700U);
  EXPECT_TRUE(output->write("a/b", "one", start));
  EXPECT_TRUE(output->write("a/b", "two", start));
  // A second program must not replace what the first one wrote.
  EXPECT_TRUE(open({made})->write("a/b", "three", start));
  Files found;
  for (const auto& entry : fs::directory_iterator(made)) {
    found[entry.path().filename()] = store::TestHome::read(entry.path());
    EXPECT_EQ(store::TestHome::mode(entry.path()), 0600U);
  }
  EXPECT_EQ(found, (Files{{"a+b.20261123T222816.902Z.000001", "one"},
                          {"a+b.20261123T222816.902Z.000002", "two"},
                          {"a+b.20261123T222816.902Z.000003", "three"}}));
}

TEST_F(OutputTest, ALostDirectoryIsReported) {
  const auto output = open({(dir() / "made").string() + "/"});
  fs::remove(dir() / "made");
  const auto done = output->write("t", "text", start);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("cannot write the message on t to"), std::string::npos);
}

TEST_F(OutputTest, NoTopicLeadsOutOfTheDirectory) {
  EXPECT_EQ(topic_file_name("../../etc/passwd"), "%2E.+..+etc+passwd");
  EXPECT_EQ(topic_file_name("."), "%2E");
  EXPECT_EQ(topic_file_name("-rf"), "%2Drf");
  EXPECT_EQ(topic_file_name("/a//b/"), "+a++b+");
  EXPECT_EQ(topic_file_name(std::string_view("a\0b+\n", 5)), "a%00b%2B%0A");
  EXPECT_EQ(topic_file_name(""), "%");
  const std::string one(65535, '/');
  const std::string other = one.substr(1) + "x";
  EXPECT_EQ(topic_file_name(one).size(), 160U);
  EXPECT_NE(topic_file_name(one), topic_file_name(other));
  const auto output = open({dir()});
  for (const auto* topic : {"../../etc/passwd", ".", "..", "", "/", one.c_str()}) {
    EXPECT_TRUE(output->write(topic, "x", start)) << topic;
  }
  EXPECT_EQ(files().size(), 6U);
}

}  // namespace
}  // namespace sts::cli
