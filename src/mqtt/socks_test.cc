// Through a SOCKS5 proxy (RFC 1928, RFC 1929) of the test's own.
#include <gtest/gtest.h>

#include <asio/connect.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <thread>

#include "broker_process.h"
#include "mqtt/test_client.h"

namespace sts::mqtt {
namespace {

using asio::ip::tcp;

/// Serves one connection after the other, in a thread of its own.
class Proxy {
 public:
  explicit Proxy(bool with_password) : with_password_(with_password) {
    thread_ = std::thread([this] { serve(); });
  }
  ~Proxy() {
    asio::error_code ignored;
    shutdown(acceptor_.native_handle(), SHUT_RDWR);
    acceptor_.close(ignored);
    thread_.join();
  }
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  std::uint16_t port() const { return port_; }
  std::string asked_for() const { return asked_for_; }  // read it after a connection only
  std::string login() const { return login_; }

 private:
  void serve() {
    asio::error_code ended;
    while (!ended) {
      tcp::socket client(loop_);
      acceptor_.accept(client, ended);
      if (!ended) relay(std::move(client));
    }
  }

  void relay(tcp::socket client) {
    try {
      tcp::socket broker(loop_);
      greet(client);
      go(client, broker);
      pump(client, broker);
    } catch (const std::system_error&) {
      // The client sees it end.
    }
  }

  static Bytes read(tcp::socket& from, std::size_t size) {
    Bytes out(size);
    asio::read(from, asio::buffer(out));
    return out;
  }

  void greet(tcp::socket& client) {
    const auto methods = read(client, read(client, 2)[1]);
    const std::uint8_t method = with_password_ ? 2 : 0;
    asio::write(client, asio::buffer(Bytes{5, method}));
    if (!with_password_) return;
    const auto name = read(client, read(client, 2)[1]);
    const auto password = read(client, read(client, 1)[0]);
    login_ = std::string(as_text(name)) + ":" + std::string(as_text(password));
    asio::write(client,
                asio::buffer(Bytes{1, static_cast<std::uint8_t>(login_ == "me:secret" ? 0 : 1)}));
  }

  void go(tcp::socket& client, tcp::socket& broker) {
    const auto kind = read(client, 4)[3];
    const auto host = read(client, kind == 3 ? read(client, 1)[0] : 4);
    const auto port = read(client, 2);
    asked_for_ = kind == 3 ? std::string(as_text(host)) : "an address";
    broker.connect(
        {asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port[0] << 8U | port[1])});
    asio::write(client, asio::buffer(Bytes{5, 0, 0, 1, 0, 0, 0, 0, 0, 0}));
  }

  static void pump(tcp::socket& client, tcp::socket& broker) {
    std::thread back([&] { copy(broker, client); });
    copy(client, broker);
    back.join();
  }
  static void copy(tcp::socket& from, tcp::socket& to) {
    Bytes some(4096);
    asio::error_code ended;
    for (;;) {
      const auto size = from.read_some(asio::buffer(some), ended);
      if (!ended) asio::write(to, asio::buffer(some, size), ended);
      if (ended) break;
    }
    shutdown(to.native_handle(), SHUT_WR);
  }

  bool with_password_;
  asio::io_context loop_;
  tcp::acceptor acceptor_{loop_, {asio::ip::address_v4::loopback(), 0}};
  std::uint16_t port_ = acceptor_.local_endpoint().port();
  std::string asked_for_, login_;
  std::thread thread_;
};

class SocksTest : public testing::Test {
 protected:
  Options through(const Proxy& proxy) {
    Options options = at(broker.port());
    options.host = "localhost";
    options.socks5 = Socks5{"127.0.0.1", proxy.port(), "", ""};
    return options;
  }

  test::BrokerProcess broker;
  asio::io_context loop;
};

TEST_F(SocksTest, LetsTheProxyResolveTheName) {
  Proxy proxy(false);
  Client client(loop);
  ASSERT_TRUE(client.connect(through(proxy)));
  EXPECT_EQ(proxy.asked_for(), "localhost");
  EXPECT_TRUE(client.publish("t", {}, Qos::at_least_once));
}

TEST_F(SocksTest, KeepsASessionUnder311Only) {
  Proxy proxy(false);
  for (auto version : {Version::v5, Version::v3_1_1}) {
    Options options = through(proxy);
    options.version = version;
    options.client_id = "lasting";
    options.clean_start = false;
    options.session_expiry = std::chrono::seconds(300);
    {
      Client first(loop);
      ASSERT_TRUE(first.connect(options));
      ASSERT_TRUE(first.subscribe("t", Qos::at_least_once));
    }
    loop.poll();
    Client again(loop);
    ASSERT_TRUE(again.connect(options));
    const bool kept = version == Version::v3_1_1;
    EXPECT_EQ(again.heard.connected->session_present, kept);
    EXPECT_EQ(again.heard.connected->session_expiry.count() > 0, kept);
  }
}

TEST_F(SocksTest, LogsIn) {
  Proxy proxy(true);
  Client client(loop);
  Options options = through(proxy);
  options.socks5->username = "me";
  options.socks5->password = "secret";
  ASSERT_TRUE(client.connect(options));
  EXPECT_EQ(proxy.login(), "me:secret");

  options.socks5->password = "wrong";
  EXPECT_EQ(client.refused(options).message,
            "the proxy 127.0.0.1:" + std::to_string(proxy.port()) +
                " refuses to connect to localhost:" + std::to_string(broker.port()));
}

TEST_F(SocksTest, TellsThatTheProxyIsNotThere) {
  Client client(loop);
  Options options = at(broker.port());
  options.socks5 = Socks5{"127.0.0.1", test::free_port(), "", ""};
  EXPECT_EQ(client.refused(options).message,
            "connection refused on 127.0.0.1:" + std::to_string(options.socks5->port));
}

}  // namespace
}  // namespace sts::mqtt
