// What CONNECT carries, and the way to the broker.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mqtt/message.h"

namespace sts::mqtt {

/// TLS 1.2 or newer. Either certificates or a pre-shared key.
struct Tls {
  std::string ca_file, ca_path;   // PEM file, directory of them; both empty: the system's
  std::string certificate_file;   // ours, PEM, with its chain; empty: none
  std::string key;                // its private key, PEM text
  std::string key_passphrase;     // where `key` is encrypted
  std::string server_name;        // to be sent (SNI) and to be in the certificate; empty: the host
  std::vector<std::string> alpn;  // most wanted first
  std::string psk_identity;       // with `psk`: TLS-PSK, no certificates
  Bytes psk;
  bool insecure = false;  // takes any certificate
};

struct Socks5 {
  std::string host;
  std::uint16_t port = 1080;
  std::string username, password;
};

struct Options {
  std::string host = "localhost";  // a name, an address, or with port 0 the path of a Unix socket
  std::uint16_t port = 1883;
  /// `host` is a domain: its SRV records (_mqtt._tcp, with TLS _secure-mqtt._tcp) name the brokers.
  bool srv = false;
  std::string dns_server;    // ADDRESS[:PORT] to ask for SRV; empty: the system's
  std::string bind_address;  // of this machine; empty: any
  std::optional<Tls> tls;
  std::optional<Socks5> socks5;

  std::string client_id;                // empty: the broker or the library chooses one
  std::string username, password;       // a password counts only with a user name
  std::chrono::seconds keep_alive{60};  // 0: none; else 5 at least, 65535 at most
  Version version = Version::v5;        // the highest to try
  bool exact_version = false;           // don't try a lower one
  /// Off: the broker's session, and of this side what was unanswered when the last connection
  /// ended, go on.
  bool clean_start = true;
  /// How long the broker keeps the session after the connection's end. 3.1.1 has no such time:
  /// there clean_start alone decides between none and one without end. Through a proxy libmosquitto
  /// (2.0) sends no such time, so there MQTT 5 keeps no session.
  std::chrono::seconds session_expiry{0};
  /// QoS 1 and 2 messages that the broker may send before the first is acknowledged; 0: 65535.
  std::uint16_t receive_maximum = 0;
  /// On: what came at QoS 1 is acknowledged by Transport::acknowledge(), not before. libmosquitto
  /// (2.0) takes a QoS 2 message over before it tells of it, so that one is lost with the process.
  bool acknowledge_when_taken = false;
  std::optional<Message> will;
  std::chrono::seconds will_delay{0};

  /// How long name look-up, TCP, TLS and CONNECT together may take until connect() is given up.
  std::chrono::milliseconds connect_timeout{10'000};
};

}  // namespace sts::mqtt
