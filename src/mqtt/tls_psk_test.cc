// TLS with pre-shared keys, and all of it through libmosquitto.
#include <gtest/gtest.h>
#include <mosquitto.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <cstring>
#include <thread>

#include "mqtt/tls_test_support.h"

namespace sts::mqtt {
namespace {

const Bytes psk{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

Tls with_psk(const std::string& identity, const Bytes& key) {
  Tls tls;
  tls.psk_identity = identity;
  tls.psk = key;
  return tls;
}

unsigned know_device(SSL*, const char* identity, unsigned char* out, unsigned) {
  if (std::strcmp(identity, "device") != 0) return 0;
  std::copy(psk.begin(), psk.end(), out);
  return static_cast<unsigned>(psk.size());
}

struct TlsPsk : testing::TestWithParam<int> {
  TlsContext server = make_server(nullptr);
  Tls tls = with_psk("device", psk);
  TlsContext client;

  TlsPsk() { SSL_CTX_set_psk_server_callback(server.get(), know_device); }

  Met connect() {
    SSL_CTX_set_max_proto_version(server.get(), GetParam());
    auto made = make_tls_context(tls, "localhost");
    if (!made) {
      ADD_FAILURE() << one_line(made.error());
      return {};
    }
    client = std::move(*made);
    return meet(client.get(), server.get(), "localhost");
  }
  std::string why_not() {
    return connect().agreed ? "agreed" : words(client.get(), tls, "localhost");
  }
};

TEST_P(TlsPsk, Right) {
  const auto met = connect();
  EXPECT_TRUE(met.agreed) << words(client.get(), tls, "localhost");
  EXPECT_EQ(met.version, GetParam());
  if (GetParam() == TLS1_2_VERSION) {
    EXPECT_EQ(met.cipher.find("ECDHE-PSK-"), 0U) << met.cipher;
  }
}

TEST_P(TlsPsk, WrongKey) {
  tls.psk[0] ^= 1;
  const auto why = why_not();
  EXPECT_NE(why.find("localhost:8883 refused the pre-shared key"), std::string::npos) << why;
}

TEST_P(TlsPsk, WrongIdentity) {
  tls.psk_identity = "stranger";
  const auto why = why_not();
  EXPECT_NE(why.find("localhost:8883 refused the pre-shared key"), std::string::npos) << why;
}

TEST_P(TlsPsk, NoCertificateWillDo) {
  const auto own = issue({.subject = "localhost"});
  const File own_file(own);
  server = make_server(&own);  // knows no pre-shared keys
  tls.ca_file = own_file.path();
  tls.insecure = true;
  const auto why = why_not();
  if (GetParam() == TLS1_3_VERSION) {
    EXPECT_NE(why.find("has a certificate, where a pre-shared key is wanted"), std::string::npos)
        << why;
  } else {  // none of the ciphers that we offer has one
    EXPECT_NE(why.find("refused the pre-shared key"), std::string::npos) << why;
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, TlsPsk, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                           return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

TEST(TlsPskInput, IsWholeAndFits) {
  for (const auto& bad :
       {with_psk("device", {}), with_psk("", psk), with_psk(std::string(129, 'x'), psk),
        with_psk("device", Bytes(513)), with_psk(std::string(2, '\0'), psk)}) {
    const auto made = make_tls_context(bad, "localhost");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Errc::bad_input);
  }
}

/// libmosquitto with our context against a TLS server on 127.0.0.1.
struct ThroughMosquitto : testing::Test {
  Identity broker = issue({.subject = "b", .names = "DNS:broker.example"});
  File broker_file{broker};
  TlsContext server = make_server(&broker);
  asio::io_context loop;
  asio::ip::tcp::acceptor acceptor{loop, {asio::ip::address_v4::loopback(), 0}};
  std::string sni;
  bool connect_arrived = false;
  Tls tls;

  ThroughMosquitto() { tls.ca_file = broker_file.path(); }

  void serve() {
    auto socket = acceptor.accept();
    const SslPtr connection(SSL_new(server.get()), SSL_free);
    SSL_set_fd(connection.get(), static_cast<int>(socket.native_handle()));
    char byte = 0;
    if (SSL_accept(connection.get()) == 1) {
      connect_arrived = SSL_read(connection.get(), &byte, 1) == 1 && byte == 0x10;
    }
    const char* name = SSL_get_servername(connection.get(), TLSEXT_NAMETYPE_host_name);
    if (name != nullptr) sni = name;
  }

  /// The last outcome of libmosquitto, once the connection has ended.
  int run(SSL_CTX* context) {
    std::thread thread([this] { serve(); });
    mosquitto_lib_init();
    auto* const handle = mosquitto_new(nullptr, true, nullptr);
    mosquitto_int_option(handle, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
    mosquitto_void_option(handle, MOSQ_OPT_SSL_CTX, context);
    const int port = acceptor.local_endpoint().port();
    int outcome = mosquitto_connect(handle, "127.0.0.1", port, 60);
    while (outcome == MOSQ_ERR_SUCCESS) outcome = mosquitto_loop(handle, 1000, 1);
    mosquitto_destroy(handle);
    thread.join();
    return outcome;
  }
};

TEST_F(ThroughMosquitto, TheNameIsCheckedAndSent) {
  tls.server_name = "broker.example";
  const auto context = make_tls_context(tls, "127.0.0.1");
  ASSERT_TRUE(context) << one_line(context.error());
  run(context->get());
  EXPECT_TRUE(connect_arrived);
  EXPECT_EQ(sni, "broker.example");
}

TEST_F(ThroughMosquitto, TheReasonIsKept) {
  const auto context = make_tls_context(tls, "127.0.0.1");
  ASSERT_TRUE(context) << one_line(context.error());
  EXPECT_EQ(run(context->get()), MOSQ_ERR_TLS);
  EXPECT_FALSE(connect_arrived);
  EXPECT_EQ(tls_failure(context->get()).verify, X509_V_ERR_IP_ADDRESS_MISMATCH);
  EXPECT_EQ(tls_failure(context->get()).names, "broker.example");
}

}  // namespace
}  // namespace sts::mqtt
