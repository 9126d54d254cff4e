#include "mqtt/srv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>
#include <functional>
#include <map>
#include <random>
#include <thread>

#include "base/bytes.h"

namespace sts::mqtt {
namespace {

using asio::ip::udp;
using std::chrono::milliseconds;
using std::chrono::seconds;

void put16(Bytes& to, unsigned number) {
  to.push_back(static_cast<std::uint8_t>(number >> 8));
  to.push_back(static_cast<std::uint8_t>(number));
}

void put_name(Bytes& to, const std::string& name) {
  for (std::size_t at = 0; at < name.size();) {
    const auto end = std::min(name.find('.', at), name.size());
    to.push_back(static_cast<std::uint8_t>(end - at));
    append(to, as_bytes(name).subspan(at, end - at));
    at = end + 1;
  }
  to.push_back(0);
}

/// The question in `query`, from its name on.
ByteView question_of(const Bytes& query) { return ByteView(query).subspan(12); }

std::string name_in(ByteView question) {
  std::string name;
  while (question[0] != 0) {
    const auto label = question.subspan(1, question[0]);
    name += std::string(as_text(label)) + ".";
    question = question.subspan(1 + label.size());
  }
  return name;
}

Bytes answer_to(const Bytes& query, unsigned code, const std::vector<SrvRecord>& records) {
  Bytes out(query.begin(), query.begin() + 2);
  put16(out, 0x8180 | code);  // an answer, recursion wanted and available
  put16(out, 1);
  put16(out, static_cast<unsigned>(records.size()));
  put16(out, 0);
  put16(out, 0);
  append(out, question_of(query));
  for (const auto& record : records) {
    put16(out, 0xc00c);  // the name in the question
    put16(out, 33);      // SRV
    put16(out, 1);
    put16(out, 0);
    put16(out, 60);  // seconds to live
    Bytes data;
    put16(data, record.priority);
    put16(data, record.weight);
    put16(data, record.target.port);
    put_name(data, record.target.host);
    put16(out, static_cast<unsigned>(data.size()));
    append(out, data);
  }
  return out;
}

/// Answers on 127.0.0.1 as the script says; an empty answer is none.
class DnsServer {
 public:
  using Script = std::function<Bytes(const Bytes& query)>;

  explicit DnsServer(Script script)
      : socket_(loop_, {asio::ip::address_v4::loopback(), 0}), script_(std::move(script)) {
    receive();
    thread_ = std::thread([this] { loop_.run(); });
  }
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;
  ~DnsServer() {
    loop_.stop();
    thread_.join();
  }
  std::string address() const {
    return "127.0.0.1:" + std::to_string(socket_.local_endpoint().port());
  }

 private:
  void receive() {
    query_.resize(512);
    socket_.async_receive_from(asio::buffer(query_), from_,
                               [this](asio::error_code error, std::size_t size) {
                                 if (error) return;
                                 query_.resize(size);
                                 const Bytes answer = script_(query_);
                                 asio::error_code ignored;
                                 if (!answer.empty())
                                   socket_.send_to(asio::buffer(answer), from_, 0, ignored);
                                 receive();
                               });
  }

  asio::io_context loop_;
  udp::socket socket_;
  Script script_;
  Bytes query_;
  udp::endpoint from_;
  std::thread thread_;
};

DnsServer::Script records(const std::vector<SrvRecord>& them) {
  return [them](const Bytes& query) { return answer_to(query, 0, them); };
}

Result<std::vector<Target>> look_up(const DnsServer& server, milliseconds timeout = seconds(30)) {
  return look_up_srv("example.org", false, server.address(), timeout);
}

std::string message_of(const DnsServer& server) {
  auto found = look_up(server);
  return found ? "found" : one_line(found.error());
}

TEST(Srv, OrdersByPriority) {
  const DnsServer server(
      records({{{"c.example", 3}, 20, 0}, {{"a.example", 1}, 5, 0}, {{"b.example", 2}, 10, 7}}));
  const auto found = look_up(server);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(*found, (std::vector<Target>{{"a.example", 1}, {"b.example", 2}, {"c.example", 3}}));
}

TEST(Srv, AsksForTheServiceWithOrWithoutTls) {
  std::vector<std::string> names;
  {
    const DnsServer server([&](const Bytes& query) {
      names.push_back(name_in(question_of(query)));
      return answer_to(query, 0, {{{"a.example", 1}, 0, 0}});
    });
    EXPECT_TRUE(look_up_srv("example.org", false, server.address(), seconds(30)));
    EXPECT_TRUE(look_up_srv("example.org", true, server.address(), seconds(30)));
  }
  EXPECT_EQ(names, (std::vector<std::string>{"_mqtt._tcp.example.org.",
                                             "_secure-mqtt._tcp.example.org."}));
}

TEST(Srv, ChoosesAmongEqualsByWeight) {
  const std::vector<SrvRecord> equals{
      {{"ten", 1}, 1, 10}, {{"thirty", 1}, 1, 30}, {{"sixty", 1}, 1, 60}, {{"none", 1}, 1, 0}};
  std::mt19937 generator(1);  // its numbers are the same everywhere
  std::map<std::string, int> first;
  for (int i = 0; i < 10'000; ++i) {
    const auto order = in_order(equals, std::ref(generator));
    ASSERT_EQ(order.size(), 4U);
    ++first[order[0].host];
  }
  EXPECT_NEAR(first["ten"], 1000, 100);
  EXPECT_NEAR(first["thirty"], 3000, 150);
  EXPECT_NEAR(first["sixty"], 6000, 150);
  EXPECT_GT(first["none"], 0);
  EXPECT_LT(first["none"], 200);
}

TEST(Srv, LeavesNobodyOutOfTheOrder) {
  const auto order = in_order({{{"a", 1}, 1, 65535}, {{"b", 2}, 1, 65535}, {{"c", 3}, 0, 0}},
                              [] { return 0xffff'ffff; });
  ASSERT_EQ(order.size(), 3U);
  EXPECT_EQ(order[0].host, "c");
}

TEST(Srv, TakesSixteenAtMost) {
  std::vector<SrvRecord> many;
  for (std::uint16_t i = 0; i < 20; ++i) {
    many.push_back({{"h", i}, i, 0});
  }
  const DnsServer server(records(many));
  const auto found = look_up(server);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->size(), 16U);
  EXPECT_EQ(found->back().port, 15);
}

TEST(Srv, NoSuchDomain) {
  const DnsServer server([](const Bytes& query) { return answer_to(query, 3, {}); });
  EXPECT_EQ(message_of(server),
            "example.org has no brokers in DNS: no SRV record of _mqtt._tcp.example.org (check "
            "url, or name the broker's host and port in it)");
}

TEST(Srv, NoRecords) {
  const DnsServer server(records({}));
  EXPECT_TRUE(message_of(server).starts_with("example.org has no brokers in DNS"));
}

TEST(Srv, DecidedlyNoBroker) {
  const DnsServer server(records({{{"", 0}, 0, 0}}));
  const auto found = look_up(server);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::refused);
  EXPECT_EQ(found.error().message,
            "example.org says in DNS that it has no broker (_mqtt._tcp.example.org)");
}

TEST(Srv, BrokenServer) {
  const DnsServer server([](const Bytes& query) { return answer_to(query, 2, {}); });
  EXPECT_NE(message_of(server).find("can't be asked for _mqtt._tcp.example.org"),
            std::string::npos);
}

TEST(Srv, RecordCutOff) {
  const DnsServer server([](const Bytes& query) {
    Bytes answer = answer_to(query, 0, {{{"a.example", 1}, 0, 0}});
    answer.resize(answer.size() - 5);
    return answer;
  });
  EXPECT_NE(message_of(server).find("didn't find _mqtt._tcp.example.org"), std::string::npos);
}

TEST(Srv, SilentServer) {
  const DnsServer server([](const Bytes&) { return Bytes(); });
  const auto found = look_up(server, milliseconds(50));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message, "no answer from the DNS server " + server.address());
}

TEST(Srv, GarbageIsNoAnswer) {
  const DnsServer server([](const Bytes&) { return Bytes(40, 0xff); });
  EXPECT_FALSE(look_up(server, milliseconds(50)));
}

TEST(Srv, NobodyListens) {
  asio::io_context loop;
  udp::socket taken(loop, {asio::ip::address_v4::loopback(), 0});
  const auto port = taken.local_endpoint().port();
  taken.close();
  const auto found =
      look_up_srv("example.org", false, "127.0.0.1:" + std::to_string(port), seconds(30));
  ASSERT_FALSE(found);
  EXPECT_TRUE(found.error().message.ends_with("can't be asked for _mqtt._tcp.example.org"))
      << found.error().message;
}

TEST(Srv, WhatIsNoServerOrDomain) {
  EXPECT_EQ(look_up_srv("example.org", false, "nonsense", seconds(1)).error().code,
            Errc::bad_input);
  EXPECT_EQ(look_up_srv("a..b", false, "127.0.0.1:9", seconds(1)).error().code, Errc::bad_input);
}

}  // namespace
}  // namespace sts::mqtt
