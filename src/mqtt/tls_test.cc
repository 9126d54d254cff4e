#include "mqtt/tls.h"

#include <gtest/gtest.h>

#include "mqtt/tls_test_support.h"

namespace sts::mqtt {
namespace {

struct TlsTest : testing::Test {
  Identity ca = issue({.subject = "Our CA", .ca = true});
  Identity local = issue(
      {.subject = "broker", .names = "DNS:localhost,DNS:*.example.org,IP:127.0.0.1,IP:::1"}, &ca);
  File ca_file{ca};
  TlsContext server = make_server(&local);
  Tls tls;
  TlsContext client;

  TlsTest() { tls.ca_file = ca_file.path(); }

  Met connect(const std::string& host) {
    auto made = make_tls_context(tls, host);
    if (!made) {
      ADD_FAILURE() << one_line(made.error());
      return {};
    }
    client = std::move(*made);
    return meet(client.get(), server.get(), host);
  }
  /// What a person reads after connecting in vain; "agreed" if not in vain.
  std::string why_not(const std::string& host = "localhost") {
    return connect(host).agreed ? "agreed" : words(client.get(), tls, host);
  }
  std::string cannot_make() {
    const auto made = make_tls_context(tls, "localhost");
    if (made) return "made";
    EXPECT_EQ(made.error().code, Errc::bad_input);
    return one_line(made.error());
  }
};

TEST_F(TlsTest, TrustsACertificateForTheHost) {
  const auto met = connect("localhost");
  EXPECT_TRUE(met.agreed);
  EXPECT_EQ(met.version, TLS1_3_VERSION);
  EXPECT_EQ(met.sni, "localhost");
  EXPECT_TRUE(connect("localhost.").agreed);  // DNS's way to say that the name is whole
}

TEST_F(TlsTest, AddressesAreCheckedAndNotSent) {
  for (const auto* host : {"127.0.0.1", "::1", "::1%lo"}) {
    const auto met = connect(host);
    EXPECT_TRUE(met.agreed) << host;
    EXPECT_EQ(met.sni, "") << host;
  }
  EXPECT_EQ(why_not("127.0.0.2"),
            "the certificate of 127.0.0.2:8883 is not for 127.0.0.2 but for localhost, "
            "*.example.org, 127.0.0.1, ::1 (set url to a name in it, or tls_name)");
}

TEST_F(TlsTest, UntrustedCa) {
  const auto other = issue({.subject = "Other CA", .ca = true});
  const File other_file(other);
  tls.ca_file = other_file.path();
  EXPECT_EQ(why_not(),
            "the certificate of localhost:8883 is not trusted: unable to get local issuer "
            "certificate (set cafile to the CA that signed it)");
}

TEST_F(TlsTest, SelfSigned) {
  const auto own = issue({.subject = "own", .names = "DNS:localhost"});
  server = make_server(&own);
  EXPECT_EQ(why_not(),
            "the certificate of localhost:8883 is not trusted: self-signed certificate (set cafile "
            "to the CA that signed it)");
}

TEST_F(TlsTest, ANewHandshakeForgetsTheLastFailure) {
  const auto own = issue({.subject = "own", .names = "DNS:localhost"});
  const auto bad_server = make_server(&own);
  EXPECT_TRUE(connect("localhost").agreed);
  EXPECT_FALSE(meet(client.get(), bad_server.get(), "localhost").agreed);
  EXPECT_EQ(tls_failure(client.get()).verify, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
  EXPECT_TRUE(meet(client.get(), server.get(), "localhost").agreed);
  EXPECT_EQ(tls_failure(client.get()).verify, X509_V_OK);
}

TEST_F(TlsTest, TheSystemDoesNotTrustOurCa) {
  tls.ca_file.clear();
  EXPECT_NE(why_not().find("is not trusted"), std::string::npos);
}

TEST_F(TlsTest, WrongName) {
  EXPECT_NE(why_not("other.example").find("is not for other.example but for localhost"),
            std::string::npos);
  EXPECT_EQ(why_not("a.example.org"), "agreed");
  EXPECT_NE(why_not("a.b.example.org"), "agreed");
}

TEST_F(TlsTest, ANameCannotWriteToTheTerminal) {
  const auto evil = issue({.subject = "\x1b[2Jx", .names = {}}, &ca);
  server = make_server(&evil);
  const auto text = why_not();
  EXPECT_NE(text.find("is not for localhost"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
}

TEST_F(TlsTest, ExpiredAndNotYetValid) {
  const auto old = issue({.subject = "b", .names = "DNS:localhost", .until = -60}, &ca);
  server = make_server(&old);
  EXPECT_EQ(why_not(),
            "the certificate of localhost:8883 is not valid now: certificate has expired (check "
            "this machine's clock: date; if it is right, renew the certificate)");
  const auto early = issue({.subject = "b", .names = "DNS:localhost", .from = 600}, &ca);
  server = make_server(&early);
  EXPECT_NE(why_not().find("certificate is not yet valid"), std::string::npos);
}

TEST_F(TlsTest, ServerNameIsSentAndCheckedInPlaceOfTheHost) {
  tls.server_name = "iot.example.org";
  const auto met = connect("10.1.2.3");
  EXPECT_TRUE(met.agreed);
  EXPECT_EQ(met.sni, "iot.example.org");
  tls.server_name = "other.example";
  EXPECT_NE(why_not().find("is not for other.example"), std::string::npos);
}

TEST_F(TlsTest, InsecureTakesAnything) {
  const auto old = issue({.subject = "b", .names = "DNS:else", .until = -60});
  server = make_server(&old);
  tls.insecure = true;
  EXPECT_TRUE(connect("localhost").agreed);
}

int choose_mqtt(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in,
                unsigned in_size, void*) {
  static const unsigned char mqtt[] = "\4mqtt";
  auto* chosen = const_cast<unsigned char*>(*out);
  if (SSL_select_next_proto(&chosen, size, mqtt, 5, in, in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

TEST_F(TlsTest, Alpn) {
  SSL_CTX_set_alpn_select_cb(server.get(), choose_mqtt, nullptr);
  tls.alpn = {"x-amzn-mqtt-ca", "mqtt"};
  const auto met = connect("localhost");
  EXPECT_TRUE(met.agreed);
  EXPECT_EQ(met.alpn, "mqtt");
  tls.alpn = {"h2"};
  EXPECT_NE(why_not().find("speaks no protocol that alpn names"), std::string::npos);
  tls.alpn = {""};
  EXPECT_NE(cannot_make().find("1 to 255 bytes"), std::string::npos);
}

TEST_F(TlsTest, OldVersionsAreRefused) {
  SSL_CTX_set_security_level(server.get(), 0);
  SSL_CTX_set_min_proto_version(server.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(server.get(), TLS1_1_VERSION);
  EXPECT_EQ(why_not(),
            "localhost:8883 knows no version of TLS that is safe (let the broker speak TLS 1.2 or "
            "newer)");
  // Whatever this machine's openssl.cnf says.
  EXPECT_EQ(SSL_CTX_get_min_proto_version(client.get()), TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(server.get(), TLS1_2_VERSION);
  EXPECT_EQ(why_not(), "agreed");
}

TEST_F(TlsTest, ClientCertificate) {
  SSL_CTX_set_verify(server.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_load_verify_file(server.get(), ca_file.path().c_str());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SSL_CTX_set_max_proto_version(server.get(), version);
    tls.certificate_file = tls.key = "";
    EXPECT_EQ(why_not(), "localhost:8883 wants a certificate of ours (set cert and key)");

    const auto ours = issue({.subject = "device"}, &ca);
    const File ours_file(ours);
    tls.certificate_file = ours_file.path();
    tls.key = key_pem(ours);
    EXPECT_EQ(why_not(), "agreed");

    const auto stranger = issue({.subject = "stranger"});
    const File stranger_file(stranger);
    tls.certificate_file = stranger_file.path();
    tls.key = key_pem(stranger);
    EXPECT_NE(why_not().find("refused our certificate"), std::string::npos);
  }
}

TEST_F(TlsTest, EncryptedKey) {
  const auto ours = issue({.subject = "device"}, &ca);
  const File ours_file(ours);
  tls.certificate_file = ours_file.path();
  tls.key = key_pem(ours, "open sesame");
  tls.key_passphrase = "open sesame";
  EXPECT_EQ(cannot_make(), "made");
  tls.key_passphrase = "open barley";
  EXPECT_NE(cannot_make().find("the passphrase doesn't open the key"), std::string::npos);
  tls.key_passphrase = std::string(5000, 'x');
  EXPECT_NE(cannot_make().find("the passphrase doesn't open the key"), std::string::npos);
  tls.key_passphrase = "";
  EXPECT_NE(cannot_make().find("is encrypted"), std::string::npos);
}

TEST_F(TlsTest, WhatCannotBeUsedIsNamed) {
  const auto ours = issue({.subject = "device"}, &ca);
  const File ours_file(ours);
  tls.certificate_file = ours_file.path();
  EXPECT_NE(cannot_make().find("set both cert and key"), std::string::npos);
  tls.key = key_pem(ca);
  EXPECT_NE(cannot_make().find("the key is not that of " + ours_file.path()), std::string::npos);
  tls.key = "not a key";
  EXPECT_NE(cannot_make().find("is no private key in PEM"), std::string::npos);
  const File text("text");
  tls.certificate_file = text.path();
  EXPECT_NE(cannot_make().find(text.path() + " holds no usable certificate"), std::string::npos);
  tls.ca_file = text.path();
  EXPECT_NE(cannot_make().find(text.path() + " holds no certificate"), std::string::npos);
  tls.ca_file = "/nowhere/ca.pem";
  EXPECT_NE(cannot_make().find("cannot read /nowhere/ca.pem: No such file"), std::string::npos);
  tls.ca_file = "";
  tls.ca_path = "/nowhere";
  EXPECT_NE(cannot_make().find("/nowhere is not a directory"), std::string::npos);
  tls.ca_path = "";
  EXPECT_FALSE(make_tls_context({}, "/run/broker.sock"));
}

TEST_F(TlsTest, NotEvenTls) {
  auto made = make_tls_context(tls, "localhost");
  ASSERT_TRUE(made) << one_line(made.error());
  const SslPtr connection(SSL_new(made->get()), SSL_free);
  BIO* const in = BIO_new_mem_buf("HTTP/1.1 400 Bad Request\r\n", -1);
  SSL_set_bio(connection.get(), in, BIO_new(BIO_s_mem()));
  EXPECT_LT(SSL_connect(connection.get()), 1);
  EXPECT_NE(words(made->get(), tls, "localhost").find("doesn't speak TLS"), std::string::npos);
  EXPECT_NE(one_line(tls_error({}, {})).find("in the midst of TLS"), std::string::npos);
}

}  // namespace
}  // namespace sts::mqtt
