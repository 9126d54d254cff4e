#include "cli/format_testing.h"

namespace sts::cli {
namespace {

using namespace std::string_literals;
using FormatPattern = Format;

// Recorded from mosquitto_sub 2.0.11 (`mosquitto_sub -V 5 -C 1 -t a/full -F ...`), the message
// being published with mosquitto_pub -V 5 -r and the properties of full() and bare() above.
TEST_F(FormatPattern, EscapesAreThoseOfMosquittoSub) {
  const std::pair<const char*, const char*> of_full[] = {{"%%", "%"},
                                                         {"%-%|", "%|"},
                                                         {"%A", ""},
                                                         {"%4A|", "    |"},
                                                         {"%C", "text/plain"},
                                                         {"%20C", "          text/plain"},
                                                         {"%-20C|", "text/plain          |"},
                                                         {"%.4C", "text"},
                                                         {"%10.4C|", "      text|"},
                                                         {"%-10.4C|", "text      |"},
                                                         {"%05C", "text/plain"},
                                                         {"%05.2C", "   te"},
                                                         {"%D", "corr"},
                                                         {"%9D", "corr"},
                                                         {"%E", "595"},
                                                         {"%5E", "  595"},
                                                         {"%05E", "00595"},
                                                         {"%-5E|", "595  |"},
                                                         {"%-05E|", "595  |"},
                                                         {"%F", "1"},
                                                         {"%3F", "  1"},
                                                         {"%03F", "001"},
                                                         {"%l", "8"},
                                                         {"%4l", "   8"},
                                                         {"%04l", "0008"},
                                                         {"%-4l|", "8   |"},
                                                         {"%00012l", "000000000008"},
                                                         {"%0.2l|", "8|"},
                                                         {"%.2l", "8"},
                                                         {"%P", "k1:v1 k1:v2"},
                                                         {"%9P", "k1:v1 k1:v2"},
                                                         {"%p", "Hi{\"é\"}"},
                                                         {"%4p", "Hi{\""},
                                                         {"%20p", "            Hi{\"é\"}"},
                                                         {"%020p", "000000000000Hi{\"é\"}"},
                                                         {"%-20p|", "Hi{\"é\"}            |"},
                                                         {"%-020p|", "Hi{\"é\"}            |"},
                                                         {"%.2p", "Hi{\"é\"}"},
                                                         {"%q", "0"},
                                                         {"%5q", "0"},
                                                         {"%R", "re/ply"},
                                                         {"%9R", "   re/ply"},
                                                         {"%-9R|", "re/ply   |"},
                                                         {"%.2R", "re"},
                                                         {"%9.2R", "       re"},
                                                         {"%r", "1"},
                                                         {"%S", ""},
                                                         {"%3S|", "   |"},
                                                         {"%t", "a/full"},
                                                         {"%12t", "      a/full"},
                                                         {"%-12t|", "a/full      |"},
                                                         {"%012t", "      a/full"},
                                                         {"%.3t", "a/f"},
                                                         {"%12.3t|", "         a/f|"},
                                                         {"%-12.3t|", "a/f         |"},
                                                         {"%12.t|", "            |"},
                                                         {"%.1000t", "a/full"},
                                                         {"%x", "48697b22c3a9227d"},
                                                         {"%X", "48697B22C3A9227D"},
                                                         {"%4x", "4869"},
                                                         {"%5x", " 4869"},
                                                         {"%.2x", "48697b22c3a9227d"},
                                                         {"@@", "@"},
                                                         {"@%", "%"}};
  for (const auto& [text, expected] : of_full) EXPECT_EQ(pattern(text, full()), expected) << text;
  const std::pair<const char*, const char*> of_bare[] = {{"%4A|", "    |"},
                                                         {"%04A|", "0000|"},
                                                         {"%-04E|", "0000|"},
                                                         {"%05E|", "00000|"},
                                                         {"%5C|", "     |"},
                                                         {"%05C|", "     |"},
                                                         {"%5R|", "|"},
                                                         {"%D|", "|"},
                                                         {"%P|", "|"},
                                                         {"%5P|", "|"},
                                                         {"%3F|", "   |"},
                                                         {"%03F|", "000|"},
                                                         {"%03S|", "000|"},
                                                         {"%-t|", "a/bare|"},
                                                         {"%.0t|", "|"},
                                                         {"%t\\n%p", "a/bare\npayload"},
                                                         {"q%q r%r l%l", "q0 r1 l7"}};
  for (const auto& [text, expected] : of_bare) EXPECT_EQ(pattern(text, bare()), expected) << text;
  EXPECT_EQ(pattern("%t|%4p|%4x|", bare("")), "a/bare|    |    |");
  EXPECT_EQ(pattern("\\0\\a\\e\\n\\r\\t\\v\\\\", bare()), "\0\a\033\n\r\t\v\\"s);
}

// Recorded as above with TZ=America/New_York, which was at -0500.
TEST_F(FormatPattern, TimesAreLocalAndThoseOfTheMessage) {
  EXPECT_EQ(pattern("%I %U @Y-@m-@d @H:@M:@S.@N @z @s @F @@ @%", bare()),
            "2026-11-23T17:28:16-0500 1795472896.902534788 2026-11-23 17:28:16.902534788 -0500 "
            "1795472896 2026-11-23 @ %");
  EXPECT_EQ(pattern("%30I|%-30I|%.10I|%030I", bare()),
            "      2026-11-23T17:28:16-0500|2026-11-23T17:28:16-0500      |2026-11-23|"
            "      2026-11-23T17:28:16-0500");
}

// Recorded as above; but the order of the properties there is that of the broker.
TEST_F(FormatPattern, JsonOfMosquittoSub) {
  const std::string head = R"({"tst":"2026-11-23T17:28:16.902534Z-0500","topic":"a/bare","qos":0,)";
  EXPECT_EQ(pattern("%j", bare(R"({"a":1})")),
            head + R"("retain":1,"payloadlen":7,"payload":"{\"a\":1}"})");
  EXPECT_EQ(pattern("%J", bare(R"({"a":1})")),
            head + R"("retain":1,"payloadlen":7,"payload":{"a":1}})");
  EXPECT_EQ(pattern("%J", bare("")), head + R"("retain":1,"payloadlen":0,"payload":null})");
  EXPECT_EQ(
      pattern("%j", full()),
      R"({"tst":"2026-11-23T17:28:16.902534Z-0500","topic":"a/full","qos":0,"retain":1,"payloadlen":8,)"
      R"("properties":{"payload-format-indicator":1,"message-expiry-interval":595,)"
      R"("content-type":"text/plain","response-topic":"re/ply","correlation-data":"corr",)"
      R"("user-properties":{"k1":"v1","k1":"v2"}},"payload":"Hi{\"é\"}"})");
}

TEST_F(FormatPattern, EmbeddedJsonStaysOnItsLineAndKeepsItsNumbers) {
  const auto shown =
      pattern("%J", bare("{ \"a\\\" b\" :\n 1.10,\t\"n\": 12345678901234567890123 }"));
  EXPECT_TRUE(shown.ends_with(R"("payload":{"a\" b":1.10,"n":12345678901234567890123}})")) << shown;
  EXPECT_EQ(pattern("x %J", bare("no")), "error: the payload on a/bare is not JSON");
  EXPECT_EQ(pattern("%J", bare("\xEF\xBB\xBF{}")), "error: the payload on a/bare is not JSON");
}

TEST_F(FormatPattern, HexOfAWidthKeepsWhatFits) {
  EXPECT_EQ(pattern("%20x|%-20X|%020x", full()),
            "    48697b22c3a9227d|48697B22C3A9227D    |000048697b22c3a9227d");
}

TEST_F(FormatPattern, OurEscapes) {
  EXPECT_EQ(pattern("%s %f %e %7s|%.2s", sealed()), "alice f1f2 1   alice|al");
  EXPECT_EQ(pattern("%s %f %e %3s|", bare()), "  0    |");
}

TEST_F(FormatPattern, WrongPatternsAreRefusedWithTheirPlace) {
  const std::pair<const char*, const char*> wrong[] = {
      {"x%", "the format has an unfinished escape at character 2: %"},
      {"%5.3", "the format has an unfinished escape at character 1: %5.3"},
      {"abc @", "the format has an unfinished escape at character 5: @"},
      {"\\", "the format has an unfinished escape at character 1: \\"},
      {"%Z", "the format has an unknown escape at character 1: %Z"},
      {"%t %0-5E", "the format has an unknown escape at character 4: %0-"},
      {"\\q", "the format has an unknown escape at character 1: \\q"},
      {"@Q", "the format has an unknown time at character 1: @Q"},
      {"%m", "the format has an escape without a value here at character 1: %m"},
      {"%99999999999999999999999t",
       "the format has too large a width at character 1: %99999999999999999999999t"}};
  for (const auto& [text, message] : wrong) {
    const auto made = Formatter::make({.pattern = text});
    ASSERT_FALSE(made) << text;
    EXPECT_EQ(made.error().code, Errc::bad_input);
    EXPECT_EQ(made.error().message, message);
    EXPECT_FALSE(made.error().hint.empty());
  }
}

}  // namespace
}  // namespace sts::cli
