#include "mqtt/srv.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <type_traits>

namespace sts::mqtt {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t most_targets = 16;  // nobody waits for more

/// What c-ares made of the answer. It outlives the channel, whose end may still write to it.
struct Answer {
  bool done = false;
  int status = ARES_SUCCESS;
  std::vector<SrvRecord> records;
};

void parse(void* data, int status, int, unsigned char* bytes, int size) {
  auto& answer = *static_cast<Answer*>(data);
  answer.done = true;
  answer.status = status;
  if (status != ARES_SUCCESS) return;
  ares_srv_reply* first = nullptr;
  answer.status = ares_parse_srv_reply(bytes, size, &first);
  const std::unique_ptr<ares_srv_reply, decltype(&ares_free_data)> owner(first, ares_free_data);
  for (auto* one = first; one != nullptr; one = one->next) {
    answer.records.push_back({{one->host, one->port}, one->priority, one->weight});
  }
}

struct DestroyChannel {
  void operator()(ares_channel channel) const { ares_destroy(channel); }
};
using Channel = std::unique_ptr<std::remove_pointer_t<ares_channel>, DestroyChannel>;

Result<Channel> open(const std::string& dns_server, milliseconds timeout) {
  static const int ready = ares_library_init(ARES_LIB_INIT_ALL);
  ares_options options{};
  // So that a lost packet, or a first server that is down, leaves time for the next.
  options.timeout =
      static_cast<int>(std::clamp(timeout / 4, milliseconds(1), milliseconds(2000)).count());
  options.tries = 3;
  ares_channel raw = nullptr;
  int status = ready;
  if (status == ARES_SUCCESS) {
    status = ares_init_options(&raw, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
  }
  if (status != ARES_SUCCESS) {
    return fail(Errc::io, fmt::format("cannot use DNS: {}", ares_strerror(status)),
                "check /etc/resolv.conf");
  }
  Channel channel(raw);
  if (!dns_server.empty() &&
      ares_set_servers_ports_csv(channel.get(), dns_server.c_str()) != ARES_SUCCESS) {
    return fail(Errc::bad_input, fmt::format("'{}' is no DNS server", dns_server),
                "write its address as 192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53");
  }
  return channel;
}

/// Waits for one event of the channel's sockets or timers and deals with it.
void wait(ares_channel channel, milliseconds at_most) {
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
  const auto wanted =
      static_cast<unsigned>(ares_getsock(channel, sockets.data(), ARES_GETSOCK_MAXNUM));
  std::array<pollfd, ARES_GETSOCK_MAXNUM> polled{};
  std::size_t count = 0;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    const bool read = ARES_GETSOCK_READABLE(wanted, i);
    const bool write = ARES_GETSOCK_WRITABLE(wanted, i);
    if (!read && !write) continue;
    polled[count++] = {sockets[i], static_cast<short>((read ? POLLIN : 0) | (write ? POLLOUT : 0)),
                       0};
  }
  timeval limit{at_most.count() / 1000, (at_most.count() % 1000) * 1000};
  timeval next{};
  const timeval* until = ares_timeout(channel, &limit, &next);
  // A millisecond more, or the last one before a timer would be a busy loop.
  const auto pause = static_cast<int>(until->tv_sec * 1000 + until->tv_usec / 1000 + 1);
  const int ready = poll(polled.data(), count, pause);
  if (ready <= 0) ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  for (const auto& one : std::span(polled).first(ready > 0 ? count : 0)) {
    if (one.revents == 0) continue;
    const bool write = (one.revents & POLLOUT) != 0;
    ares_process_fd(channel, one.revents == POLLOUT ? ARES_SOCKET_BAD : one.fd,
                    write ? one.fd : ARES_SOCKET_BAD);
  }
}

std::string asked(const std::string& dns_server) {
  return dns_server.empty() ? "this machine's DNS server" : "the DNS server " + dns_server;
}

tl::unexpected<Error> no_records(const std::string& domain, const std::string& name) {
  return fail(Errc::io, fmt::format("{} has no brokers in DNS: no SRV record of {}", domain, name),
              "check url, or name the broker's host and port in it");
}

tl::unexpected<Error> failed(int status, const std::string& domain, const std::string& name,
                             const std::string& dns_server) {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
      return no_records(domain, name);
    case ARES_EBADNAME:
      return fail(Errc::bad_input, fmt::format("'{}' is no domain", domain), "check url");
    case ARES_ETIMEOUT:
      return fail(Errc::io, fmt::format("no answer from {}", asked(dns_server)),
                  "check that this machine has a network, and its DNS server");
    case ARES_ECONNREFUSED:  // of a server that says it failed, too
      return fail(Errc::io, fmt::format("{} can't be asked for {}", asked(dns_server), name),
                  "check that this machine has a network, and its DNS server");
    default:
      return fail(
          Errc::io,
          fmt::format("{} didn't find {}: {}", asked(dns_server), name, ares_strerror(status)),
          "try again later, or ask another DNS server");
  }
}

/// RFC 2782: one of them, with a chance of weight / sum of weights; those of weight 0 come first,
/// so that they have a very small chance.
std::vector<SrvRecord>::iterator choose(std::span<SrvRecord> same,
                                        std::vector<SrvRecord>::iterator first,
                                        const Numbers& numbers) {
  std::uint32_t sum = 0;
  for (const auto& record : same) sum += record.weight;
  const std::uint32_t drawn = numbers() % (sum + 1);
  std::uint32_t passed = 0;
  for (const auto& record : same) {
    passed += record.weight;
    if (passed >= drawn) break;
    ++first;
  }
  return first;
}

}  // namespace

std::uint32_t random_number() { return std::random_device()(); }

std::vector<Target> in_order(std::vector<SrvRecord> records, const Numbers& numbers) {
  std::stable_sort(records.begin(), records.end(), [](const SrvRecord& a, const SrvRecord& b) {
    if (a.priority != b.priority) return a.priority < b.priority;
    return a.weight == 0 && b.weight != 0;
  });
  std::vector<Target> targets;
  for (auto next = records.begin(); next != records.end(); ++next) {
    const auto end = std::find_if(next, records.end(), [&](const SrvRecord& other) {
      return other.priority != next->priority;
    });
    const auto chosen = choose({next, end}, next, numbers);
    std::rotate(next, chosen, chosen + 1);  // the others keep their order
    targets.push_back(next->target);
  }
  return targets;
}

Result<std::vector<Target>> look_up_srv(const std::string& domain, bool tls,
                                        const std::string& dns_server, milliseconds timeout,
                                        const Numbers& numbers) {
  const auto deadline = steady_clock::now() + timeout;
  const auto name = (tls ? "_secure-mqtt._tcp." : "_mqtt._tcp.") + domain;
  Answer answer;
  auto channel = open(dns_server, timeout);
  if (!channel) return tl::unexpected(channel.error());
  ares_query(channel->get(), name.c_str(), ns_c_in, ns_t_srv, parse, &answer);
  while (!answer.done) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) return failed(ARES_ETIMEOUT, domain, name, dns_server);
    wait(channel->get(), left);
  }
  if (answer.status != ARES_SUCCESS) return failed(answer.status, domain, name, dns_server);
  if (answer.records.size() == 1 && answer.records[0].target.host.empty()) {
    return fail(Errc::refused,
                fmt::format("{} says in DNS that it has no broker ({})", domain, name),
                tls ? "use another domain, or no TLS" : "use another domain, or TLS");
  }
  std::erase_if(answer.records, [](const SrvRecord& one) { return one.target.host.empty(); });
  if (answer.records.empty()) return no_records(domain, name);
  auto targets = in_order(std::move(answer.records), numbers);
  if (targets.size() > most_targets) targets.resize(most_targets);
  return targets;
}

}  // namespace sts::mqtt
