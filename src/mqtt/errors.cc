#include "mqtt/errors.h"

#include <fmt/format.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

namespace sts::mqtt {
namespace {

constexpr auto check_login = "check username and password, and what the broker allows them";
constexpr auto any_version = "leave out mqtt_version (-V): then STS speaks what the broker knows";

/// The standard's name of a reason code, with its number.
std::string reason_words(int reason) {
  std::string words = mosquitto_reason_string(reason);
  std::transform(words.begin(), words.end(), words.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return fmt::format("{} (0x{:02x})", words, static_cast<unsigned>(reason));
}

}  // namespace

std::string where(const Options& to) {
  if (to.port == 0) return to.host;
  const bool v6 = to.host.find(':') != std::string::npos;
  return fmt::format(fmt::runtime(v6 ? "[{}]:{}" : "{}:{}"), to.host, to.port);
}

Error connect_error(const Options& to, int outcome, int os_error) {
  if (outcome == MOSQ_ERR_EAI) {
    return {Errc::io, fmt::format("cannot resolve {}", to.host),
            "check url, and that this machine has a network and a name server"};
  }
  if (outcome != MOSQ_ERR_ERRNO) {
    return {Errc::io,
            fmt::format("cannot connect to {}: {}", where(to), mosquitto_strerror(outcome))};
  }
  switch (os_error) {
    case ECONNREFUSED:
      return {Errc::io, fmt::format("connection refused on {}", where(to)),
              "start a broker there (apt install mosquitto), or set url and port"};
    case ETIMEDOUT:
      return no_answer(to);
    // It took the connection and closed it before CONNECT was written. EPROTO is libmosquitto's
    // word for that within TLS.
    case ECONNRESET:
    case EPIPE:
    case EPROTO:
      return no_connack(to);
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return {Errc::io, fmt::format("no route to {}", where(to)),
              "check that this machine has a network, and url"};
    default:
      return {Errc::io,
              fmt::format("cannot connect to {}: {}", where(to), std::strerror(os_error))};
  }
}

Error proxy_error(const Options& to) {
  return {Errc::refused,
          fmt::format("the proxy {}:{} refuses to connect to {}", to.socks5->host, to.socks5->port,
                      where(to)),
          "check proxy, its user name and password, and what it allows"};
}

Error connack_error(const Options& to, int reason) {
  switch (reason) {
    case CONNACK_REFUSED_PROTOCOL_VERSION:
    case MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION:
      if (to.exact_version) {
        return {
            Errc::refused,
            fmt::format("the broker at {} refuses MQTT {}", where(to), version_number(to.version)),
            any_version};
      }
      return {Errc::refused,
              fmt::format("the broker at {} knows neither MQTT 5 nor 3.1.1", where(to)),
              "use another broker"};
    case CONNACK_REFUSED_IDENTIFIER_REJECTED:
    case MQTT_RC_CLIENTID_NOT_VALID:
      return {Errc::refused, fmt::format("the broker refused the client id '{}'", to.client_id),
              "set clientid to 1 to 23 letters and digits"};
    case CONNACK_REFUSED_SERVER_UNAVAILABLE:
    case MQTT_RC_SERVER_UNAVAILABLE:
    case MQTT_RC_SERVER_BUSY:
      return {Errc::refused, fmt::format("the broker at {} serves nobody now", where(to)),
              "try again later"};
    case CONNACK_REFUSED_BAD_USERNAME_PASSWORD:
    case MQTT_RC_BAD_USERNAME_OR_PASSWORD:
      return {Errc::refused, "the broker refused the login (bad user name or password)",
              check_login};
    case CONNACK_REFUSED_NOT_AUTHORIZED:
    case MQTT_RC_NOT_AUTHORIZED:
      return {Errc::refused, "the broker refused the login (not authorised)", check_login};
    default:
      return {Errc::refused,
              fmt::format("the broker refused the connection: {}", reason_words(reason))};
  }
}

Error no_answer(const Options& to) {
  return {Errc::io, fmt::format("no answer from {}", where(to)),
          "check url and port, and firewalls in between"};
}

Error no_connack(const Options& to) {
  constexpr auto check_port = "check url and port; TLS is usually on 8883, without TLS on 1883";
  if (to.exact_version) {  // some brokers just close where they don't know the version
    return {Errc::io,
            fmt::format("what listens on {} doesn't answer like a broker that knows MQTT {}",
                        where(to), version_number(to.version)),
            fmt::format("{}; else {}", any_version, check_port)};
  }
  const bool anonymous = to.tls && to.tls->certificate_file.empty() && to.tls->psk.empty();
  return {Errc::io, fmt::format("what listens on {} doesn't answer like an MQTT broker", where(to)),
          std::string(check_port) + (anonymous ? "; it may want a certificate: cert and key" : "")};
}

Error connection_lost(const Options& to, int reason) {
  switch (reason) {
    case MQTT_RC_SESSION_TAKEN_OVER:
      return {Errc::refused,
              fmt::format("another client took over the client id '{}'", to.client_id),
              "give each client its own clientid"};
    case MQTT_RC_PACKET_TOO_LARGE:
      return {Errc::refused, "the broker closed the connection: a message was over its limit",
              "send less at once, or raise max_packet_size at the broker"};
    case MOSQ_ERR_KEEPALIVE:
      return {Errc::io, fmt::format("connection to {} lost: no answer to keep alive", where(to))};
    case MOSQ_ERR_PROTOCOL:
    case MOSQ_ERR_MALFORMED_PACKET:
    case MOSQ_ERR_NOT_FOUND:
      return {Errc::io, fmt::format("connection to {} closed: the broker broke the MQTT protocol",
                                    where(to))};
    default:
      if (reason >= MQTT_RC_UNSPECIFIED) {
        return {Errc::refused,
                fmt::format("the broker closed the connection: {}", reason_words(reason))};
      }
      return {Errc::io, fmt::format("connection to {} lost", where(to))};
  }
}

Error puback_error(int reason) {
  switch (reason) {
    case MQTT_RC_PACKET_TOO_LARGE:
      return {Errc::limit, "the broker refused the message: it is over its limit",
              "send less at once, or raise the broker's limits"};
    case MQTT_RC_NOT_AUTHORIZED:
      return {Errc::refused, "the broker refused the message: not authorised to publish there",
              "check pubtop, and what the broker allows this user"};
    case MQTT_RC_QUOTA_EXCEEDED:
      return {Errc::refused, "the broker refused the message: its quota is used up",
              "try again later"};
    default:
      return {Errc::refused,
              fmt::format("the broker refused the message: {}", reason_words(reason))};
  }
}

Error suback_error(const std::string& topic, int reason) {
  // 3.1.1 knows 0x80 alone, and brokers use it above all for what 5 calls 0x87.
  if (reason == MQTT_RC_UNSPECIFIED || reason == MQTT_RC_NOT_AUTHORIZED) {
    return {Errc::refused,
            fmt::format("the broker refused to subscribe to '{}': not authorised", topic),
            "check subtop, and what the broker allows this user"};
  }
  return {Errc::refused,
          fmt::format("the broker refused to subscribe to '{}': {}", topic, reason_words(reason))};
}

Error publish_error(const Options& to, const std::string& topic, int outcome) {
  switch (outcome) {
    case MOSQ_ERR_INVAL:
    case MOSQ_ERR_MALFORMED_UTF8:
      return {Errc::bad_input, fmt::format("'{}' is not a topic to publish to", topic),
              "topics are UTF-8 without + and #"};
    case MOSQ_ERR_PAYLOAD_SIZE:
    case MOSQ_ERR_OVERSIZE_PACKET:
      return {Errc::limit, "the message is over MQTT's limit of 256 MiB", "send it in parts"};
    case MOSQ_ERR_QOS_NOT_SUPPORTED:
      return {Errc::refused, "the broker doesn't know this quality of service",
              "use a broker that knows QoS 1"};
    case MOSQ_ERR_RETAIN_NOT_SUPPORTED:
      return {Errc::refused, "the broker doesn't keep retained messages"};
    default:
      return connection_lost(to, outcome);
  }
}

}  // namespace sts::mqtt
