#include "client/config_lines.h"

#include <gtest/gtest.h>

#include "client/test_config.h"

namespace sts::client {
namespace {

TEST_F(ConfigTest, Forms) {
  for (const std::string text : {
           "url=h\nsubtop=a\npubtop=b\nsts_mode=nosec",                        // no last newline
           "url = h\r\nsubtop = a\r\n\r\npubtop = b\r\nsts_mode = nosec\r\n",  // CRLF
           "\xEF\xBB\xBFurl = h\nsubtop = a\npubtop = b\nsts_mode = nosec\n",  // byte order mark
           "# c\n \t# = d\n\n\turl\t=\th \nsubtop=a\npubtop=b\nsts_mode = nosec\n   \n",
       }) {
    auto config = load(text);
    ASSERT_TRUE(config) << text << "\n" << config.error().message;
    EXPECT_EQ(config->broker.host, "h");
    EXPECT_EQ(config->subtop, "a");
  }
  auto config = load("subtop = a # b\npubtop = a b\nsts_mode = nosec\nclientid = # = x");
  EXPECT_FALSE(config) << "a '#' at the end is part of the value, here a wildcard out of place";
  config = load("subtop = a\npubtop = a b\nsts_mode = nosec\nclientid = x # = y");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->pubtop, "a b");
  EXPECT_EQ(config->broker.client_id, "x # = y");
}

TEST_F(ConfigTest, DamagedLinesAreToldWithTheRemedy) {
  expect_errors({
      {"url\n", ":1: no '=' in this line | write 'key = value'"},
      {nosec + "\n= x\n", ":5: no key before the '=' | write 'key = value'"},
      {nosec + std::string(65, 'k') + " = 0\n", ":4: no key is that long | sts.conf(5)"},
      {nosec + std::string("url = a\0b\n", 10), ":4: a control character"},
      {nosec + "url = a\x1b[2J\n", ":4: a control character"},
      {nosec + "\xff\xfe = a\n", ":4: a control character or a byte that is no text"},
      {nosec + "clientid = \xc3\n", ":4: 'clientid' is not UTF-8 | save the file"},
      {nosec + "clientid = " + std::string(65536, 'x') + "\n",
       ":4: 'clientid' is longer than 65535"},
  });
}

}  // namespace
}  // namespace sts::client
