// The manuals say all that there is to say.
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/man.h"
#include "client/config_keys.h"

namespace sts::cli {
namespace {

std::string read(const std::string& file) {
  std::ifstream in(std::string(STS_SOURCE_DIR "/docs/man/") + file);
  EXPECT_TRUE(in) << file;
  return {std::istreambuf_iterator<char>(in), {}};
}

class ManualTest : public testing::Test {
 public:
  ManualTest() { add_commands(app_, unused_); }

 protected:
  int unused_ = 0;
  CLI::App app_{"", "sts"};
};

TEST_F(ManualTest, ConfigPageHasEachKey) {
  const auto page = read("sts.conf.5");
  for (const auto table : {client::session_keys(), client::broker_keys()}) {
    ASSERT_FALSE(table.empty());
    for (const auto& key : table) {
      const auto name = std::string(key.name);
      const bool there = page.find(".It Ic " + name + " ") != std::string::npos ||
                         page.find(", Ic " + name + " ") != std::string::npos;
      EXPECT_TRUE(there) << name;
    }
  }
}

TEST_F(ManualTest, PagesHaveEachFlag) {
  for (const std::string name : {"pub", "sub", "rr", "ping", "bench", "invite", "join"}) {
    const auto* command = app_.get_subcommand(name);
    const auto page = manual(*command, read("sts-" + name + ".1.in"));
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_EQ(page->find("@FLAGS@"), std::string::npos);
    for (const auto* flag : flags_of(*command)) {
      for (auto it : names_of(*flag)) {
        for (std::size_t at = 0; (at = it.find('-', at)) != std::string::npos; at += 2) {
          it.insert(at, "\\");
        }
        EXPECT_NE(page->find("Fl " + it.substr(2)), std::string::npos) << name << ' ' << it;
      }
    }
  }
}

TEST_F(ManualTest, FlagsStandWhereTheProseWantsThem) {
  EXPECT_FALSE(manual(app_, "no place for flags\n"));
  CLI::App one("", "one");
  one.add_option("-x,--long-name", "a.b\\c");
  const auto page = manual(one, "before\n@FLAGS@\nafter\n");
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->starts_with("before\n.Bl -tag -width Ds\n"));
  EXPECT_NE(page->find(".It Fl x , Fl \\-long\\-name"), std::string::npos) << *page;
  EXPECT_NE(page->find("\na.b\\ec\n"), std::string::npos) << *page;
  EXPECT_TRUE(page->ends_with(".El\nafter\n")) << *page;
}

void fits_a_screen(const CLI::App& app) {
  const auto help = app.help("sts", CLI::AppFormatMode::Normal);
  EXPECT_LE(std::ranges::count(help, '\n'), 24) << help;
  for (std::istringstream lines(help); !lines.eof();) {
    std::string line;
    std::getline(lines, line);
    EXPECT_LE(line.size(), 80U) << line;
  }
  for (const auto* command : app.get_subcommands({})) fits_a_screen(*command);
}

TEST_F(ManualTest, EverydayHelpFitsAScreen) { fits_a_screen(app_); }

TEST_F(ManualTest, EverydayHelpHasExamplesAndHelpAllTheRest) {
  for (const std::string name : {"pub", "sub", "rr", "ping", "bench", "invite", "join"}) {
    const auto* command = app_.get_subcommand(name);
    const auto help = command->help("sts", CLI::AppFormatMode::Normal);
    EXPECT_NE(help.find("Examples:"), std::string::npos);
    EXPECT_NE(help.find("--help-all"), std::string::npos);
    EXPECT_EQ(help.find("--tls-alpn"), std::string::npos);
    const auto all = command->help("sts", CLI::AppFormatMode::All);
    for (const auto* flag : flags_of(*command)) {
      EXPECT_NE(all.find(names_of(*flag).back()), std::string::npos) << names_of(*flag).back();
    }
  }
}

}  // namespace
}  // namespace sts::cli
