// Which brokers a domain has: DNS SRV records (RFC 2782).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace sts::mqtt {

struct Target {
  std::string host;
  std::uint16_t port = 0;

  bool operator==(const Target&) const = default;
};

struct SrvRecord {
  Target target;
  std::uint16_t priority = 0;  // the lowest is tried first
  std::uint16_t weight = 0;    // its share among those of the same priority
};

/// Each call gives a number, any of 32 bits as likely as the next.
using Numbers = std::function<std::uint32_t()>;

/// From the system.
std::uint32_t random_number();

/// The brokers of `domain` in the order in which to try them, one at least and 16 at most: what
/// _mqtt._tcp.DOMAIN, or with TLS _secure-mqtt._tcp.DOMAIN, says. Blocks for up to `timeout`.
///
/// `dns_server` is ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT; empty: those of /etc/resolv.conf.
///
/// Errors: bad_input for a domain or server that can't be; refused where the domain says that it
/// has no broker; else io.
Result<std::vector<Target>> look_up_srv(const std::string& domain, bool tls,
                                        const std::string& dns_server,
                                        std::chrono::milliseconds timeout,
                                        const Numbers& numbers = random_number);

/// By priority, and among equals at random by weight.
std::vector<Target> in_order(std::vector<SrvRecord> records, const Numbers& numbers);

}  // namespace sts::mqtt
