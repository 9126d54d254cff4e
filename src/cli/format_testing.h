// Messages for the tests of the formats.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

#include "cli/format.h"

namespace sts::cli {

inline Bytes bytes(std::string_view text) { return to_bytes(as_bytes(text)); }

/// 2026-11-23T22:28:16.902534788Z
inline const auto moment =
    std::chrono::system_clock::time_point(std::chrono::nanoseconds(1795472896902534788));

inline client::Received bare(std::string_view payload = "payload") {
  client::Received received;
  received.message.topic = "a/bare";
  received.message.payload = bytes(payload);
  received.message.retain = true;
  received.at = moment;
  return received;
}

inline client::Received full() {
  auto received = bare("Hi{\"é\"}");
  received.message.topic = "a/full";
  auto& properties = received.message.properties;
  properties.message_expiry = std::chrono::seconds(595);
  properties.payload_is_utf8 = true;
  properties.content_type = "text/plain";
  properties.response_topic = "re/ply";
  properties.correlation_data = bytes("corr");
  properties.user_properties = {{"k1", "v1"}, {"k1", "v2"}};
  return received;
}

inline client::Received sealed() {
  auto received = bare();
  received.encrypted = true;
  received.sender = "alice";
  received.sender_fingerprint = "f1f2";
  return received;
}

inline std::string show(const FormatChoices& choices, const client::Received& received) {
  const auto formatter = Formatter::make(choices);
  if (!formatter) return "cannot make: " + formatter.error().message;
  std::string out = "before|";
  const auto done = formatter->format(received, out);
  if (!out.starts_with("before|")) return "what was there is gone";
  return done ? out.substr(7) : "error: " + done.error().message + out.substr(7);
}

inline std::string pattern(const std::string& text, const client::Received& received) {
  return show({.newline = false, .pattern = text}, received);
}

class Format : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TZ", "EST5", 1);
    ::tzset();
  }
};

}  // namespace sts::cli
