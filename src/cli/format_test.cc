#include <nlohmann/json.hpp>

#include "cli/format_testing.h"

namespace sts::cli {
namespace {

using namespace std::string_literals;

// Recorded from mosquitto_sub 2.0.11, with and without -v and -N.
TEST_F(Format, TextIsThatOfMosquittoSub) {
  EXPECT_EQ(show({}, bare()), "payload\n");
  EXPECT_EQ(show({.newline = false}, bare()), "payload");
  EXPECT_EQ(show({.verbose = true}, bare()), "a/bare payload\n");
  EXPECT_EQ(show({.verbose = true, .newline = false}, bare()), "a/bare payload");
  EXPECT_EQ(show({.verbose = true}, bare("\0\x01\xffz"s)), "a/bare \0\x01\xffz\n"s);
  EXPECT_EQ(show({}, bare("")), "");
  EXPECT_EQ(show({.verbose = true}, bare("")), "a/bare (null)\n");
  EXPECT_EQ(show({.verbose = true, .newline = false}, bare("")), "");
  EXPECT_EQ(show({.verbose = true, .pattern = "%t|"}, bare()), "a/bare|\n");
}

TEST_F(Format, VerboseNamesTheSenderOfAnEncryptedMessage) {
  EXPECT_EQ(show({.verbose = true}, sealed()), "+alice a/bare payload\n");
  EXPECT_EQ(show({}, sealed()), "payload\n");
}

TEST_F(Format, HexBase64AndRaw) {
  EXPECT_EQ(show({.style = Style::hex}, bare("\0\xffz"s)), "00ff7a\n");
  EXPECT_EQ(show({.style = Style::base64, .verbose = true}, bare("\0\xffzz"s)),
            "a/bare AP96eg==\n");
  EXPECT_EQ(show({.style = Style::base64}, bare("")), "\n");
  EXPECT_EQ(show({.style = Style::raw, .terminal = true}, bare("\0\033[2J\n"s)), "\0\033[2J\n"s);
}

TEST_F(Format, ATerminalIsSafeFromMessages) {
  auto received = bare("a\033[2J\n\tb\r\x7f\xc2\x9b é\xff");
  received.message.topic = "t\n\033";
  EXPECT_EQ(show({.verbose = true, .terminal = true}, received),
            "t\\n\\x1b a\\x1b[2J\n\tb\\r\\x7f\\xc2\\x9b é\\xff\n");
  EXPECT_EQ(show({.newline = false, .pattern = "\\e%t\\e%p", .terminal = true}, received),
            "\033t\\n\\x1b\033a\\x1b[2J\n\tb\\r\\x7f\\xc2\\x9b é\\xff");
  const auto json = show({.style = Style::json, .terminal = true}, bare("\033\x7f\xc2\x9b"));
  EXPECT_TRUE(json.find(R"("payload":"\u001b\u007f\u009b")") != std::string::npos) << json;
}

TEST_F(Format, JsonHasAllOfAMessageInOrder) {
  auto received = full();
  received.encrypted = true;
  received.sender = "alice";
  received.sender_fingerprint = "f1f2";
  EXPECT_EQ(
      show({.style = Style::json}, received),
      R"({"topic":"a/full","payload":"Hi{\"é\"}","qos":0,"retain":true,"encrypted":true,)"
      R"("sender":"alice","fingerprint":"f1f2","timestamp":"2026-11-23T22:28:16.902Z",)"
      R"("timestamp_ns":1795472896902534788,"expiry":595,"payload_is_utf8":true,)"
      R"("content_type":"text/plain","response_topic":"re/ply","correlation_data":"Y29ycg==",)"
      R"("user_properties":[["k1","v1"],["k1","v2"]]})"
      "\n");
  EXPECT_EQ(show({.style = Style::json}, bare("\xff")),
            R"({"topic":"a/bare","payload_base64":"/w==","qos":0,"retain":true,"encrypted":false,)"
            R"("timestamp":"2026-11-23T22:28:16.902Z","timestamp_ns":1795472896902534788})"
            "\n");
}

TEST_F(Format, JsonIsValidWhateverTheBytes) {
  std::string text;
  for (int c = 0; c < 256; ++c) text += static_cast<char>(c);
  auto received = full();
  for (auto* field : {&received.message.topic, &received.message.properties.content_type,
                      &received.message.properties.response_topic, &received.sender}) {
    *field = text;
  }
  received.message.payload = bytes(text);
  received.message.properties.correlation_data = bytes(text);
  received.message.properties.user_properties = {{text, text}};
  for (const auto& shown : {show({.style = Style::json}, received), pattern("%j", received)}) {
    EXPECT_TRUE(nlohmann::json::accept(shown)) << shown;
    EXPECT_EQ(shown.substr(0, shown.size() - 1).find('\n'), std::string::npos);
  }
}

TEST_F(Format, ChoicesThatExcludeEachOther) {
  EXPECT_FALSE(Formatter::make({.style = Style::json, .pattern = "%t"}));
  EXPECT_FALSE(Formatter::make({.style = Style::raw, .verbose = true}));
  EXPECT_FALSE(parse_style("xml"));
  EXPECT_EQ(parse_style("base64"), Style::base64);
}

}  // namespace
}  // namespace sts::cli
