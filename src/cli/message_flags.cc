#include "cli/message_flags.h"

#include <fmt/format.h>

#include "client/config_values.h"

namespace sts::cli {
namespace {

constexpr auto property_group = "Properties (MQTT 5)";

/// -D as mosquitto_pub has it: publish NAME VALUE, or publish user-property NAME VALUE.
Result<void> add_raw(mqtt::Properties& to, const std::vector<std::string>& words) {
  const auto& name = words[1];
  const auto& value = words[2];
  if (words[0] != "publish") {
    return fail(Errc::bad_input,
                fmt::format("-D {}: only properties of 'publish' can be set", words[0]),
                "-x, --will-... and the like set those of the connection");
  }
  if (name == "user-property") {
    if (words.size() != 4) {
      return fail(Errc::bad_input, "-D publish user-property: a name and a value", "");
    }
    to.user_properties.emplace_back(value, words[3]);
  } else if (name == "content-type") {
    to.content_type = value;
  } else if (name == "response-topic") {
    to.response_topic = value;
  } else if (name == "correlation-data") {
    to.correlation_data = to_bytes(as_bytes(value));
  } else if (name == "payload-format-indicator") {
    to.payload_is_utf8 = value == "1";
  } else if (name == "message-expiry-interval") {
    auto seconds = client::parse_number(value, 0, 0xffffffff);
    if (!seconds) return tl::unexpected(seconds.error());
    to.message_expiry = std::chrono::seconds(*seconds);
  } else {
    return fail(Errc::bad_input, fmt::format("-D publish {}: no such property", name),
                "user-property, content-type, response-topic, correlation-data, "
                "payload-format-indicator or message-expiry-interval");
  }
  return {};
}

}  // namespace

void MessageFlags::add_to(CLI::App& app) {
  app.add_option_function<std::uint32_t>(
         "--expiry",
         [this](std::uint32_t seconds) {
           expiry_ = seconds;
           has_expiry_ = true;
         },
         "seconds after which the broker drops it")
      ->group(property_group);
  app.add_option("--content-type", content_type_, "for instance application/json")
      ->group(property_group);
  app.add_option("--response-topic", response_topic_, "where an answer is expected")
      ->group(property_group);
  app.add_option("--correlation-data", correlation_data_, "comes back with the answer")
      ->group(property_group);
  app.add_flag("--utf8", utf8_, "the payload is UTF-8 text")->group(property_group);
  app.add_option("--user-property", user_, "NAME=VALUE, also several times")
      ->group(property_group)
      ->allow_extra_args(false);
  app.add_option("-D,--property", raw_, "publish NAME VALUE, as mosquitto_pub")
      ->group(property_group)
      ->type_size(3, 4);
}

bool MessageFlags::any() const {
  return has_expiry_ || utf8_ || !content_type_.empty() || !response_topic_.empty() ||
         !correlation_data_.empty() || !user_.empty() || !raw_.empty();
}

Result<mqtt::Properties> MessageFlags::properties() const {
  mqtt::Properties out;
  for (const auto& words : raw_) {
    if (auto added = add_raw(out, words); !added) return tl::unexpected(added.error());
  }
  if (has_expiry_) out.message_expiry = std::chrono::seconds(expiry_);
  if (utf8_) out.payload_is_utf8 = true;
  if (!content_type_.empty()) out.content_type = content_type_;
  if (!response_topic_.empty()) out.response_topic = response_topic_;
  if (!correlation_data_.empty()) out.correlation_data = to_bytes(as_bytes(correlation_data_));
  for (const auto& pair : user_) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos) {
      return fail(Errc::bad_input, fmt::format("--user-property {}: no '='", pair),
                  "--user-property NAME=VALUE");
    }
    out.user_properties.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return out;
}

}  // namespace sts::cli
