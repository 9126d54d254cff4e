// What the tests of TLS share: certificates made on the spot, and handshakes in memory.
#pragma once

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>

#include "mqtt/tls.h"

namespace sts::mqtt {

using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using SslPtr = std::unique_ptr<SSL, decltype(&SSL_free)>;

struct Identity {
  KeyPtr key{nullptr, EVP_PKEY_free};
  X509Ptr certificate{nullptr, X509_free};
};

struct Wanted {
  std::string subject;
  std::string names = {};  // "DNS:localhost,IP:127.0.0.1"
  bool ca = false;
  long from = -3600, until = 3600;  // seconds from now
};

inline void extend(X509* certificate, int nid, const std::string& value) {
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()), X509_EXTENSION_free);
  ASSERT_TRUE(extension);
  X509_add_ext(certificate, extension.get(), -1);
}

/// Signed by `issuer`, or by itself.
inline Identity issue(const Wanted& wanted, const Identity* issuer = nullptr) {
  static long serial = 0;
  Identity made;
  made.key.reset(EVP_EC_gen("P-256"));
  made.certificate.reset(X509_new());
  auto* const certificate = made.certificate.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), wanted.from);
  X509_gmtime_adj(X509_getm_notAfter(certificate), wanted.until);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(wanted.subject.c_str()), -1, -1,
                             0);
  const auto& signer = issuer != nullptr ? *issuer : made;
  X509_set_issuer_name(certificate, X509_get_subject_name(signer.certificate.get()));
  X509_set_pubkey(certificate, made.key.get());
  extend(certificate, NID_basic_constraints, wanted.ca ? "critical,CA:TRUE" : "CA:FALSE");
  if (!wanted.names.empty()) extend(certificate, NID_subject_alt_name, wanted.names);
  EXPECT_GT(X509_sign(certificate, signer.key.get(), EVP_sha256()), 0);
  return made;
}

inline std::string pem(const std::function<void(BIO*)>& write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  write(out.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

/// The private key; encrypted where there is a passphrase.
inline std::string key_pem(const Identity& of, std::string passphrase = {}) {
  return pem([&](BIO* out) {
    PEM_write_bio_PKCS8PrivateKey(
        out, of.key.get(), passphrase.empty() ? nullptr : EVP_aes_256_cbc(), passphrase.data(),
        static_cast<int>(passphrase.size()), nullptr, nullptr);
  });
}

/// A file that lives as long as this object.
class File {
 public:
  explicit File(const std::string& content) {
    static int number = 0;
    path_ =
        testing::TempDir() + "sts_tls_" + std::to_string(getpid()) + "_" + std::to_string(++number);
    std::ofstream(path_) << content;
  }
  explicit File(const Identity& of)
      : File(pem([&](BIO* out) { PEM_write_bio_X509(out, of.certificate.get()); })) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline TlsContext make_server(const Identity* identity) {
  TlsContext server(SSL_CTX_new(TLS_server_method()));
  if (identity != nullptr) {
    SSL_CTX_use_certificate(server.get(), identity->certificate.get());
    SSL_CTX_use_PrivateKey(server.get(), identity->key.get());
  }
  return server;
}

struct Met {
  bool agreed = false;  // both sides, and a byte of the server arrived
  int version = 0;      // TLS1_2_VERSION...
  std::string sni;      // that the server saw
  std::string alpn;
  std::string cipher;
};

/// A handshake as libmosquitto does it when told to connect to `host`, and a byte from the server.
inline Met meet(SSL_CTX* client_context, SSL_CTX* server_context, const std::string& host) {
  const SslPtr client(SSL_new(client_context), SSL_free);
  const SslPtr server(SSL_new(server_context), SSL_free);
  BIO* client_end = nullptr;
  BIO* server_end = nullptr;
  BIO_new_bio_pair(&client_end, 0, &server_end, 0);
  SSL_set_bio(client.get(), client_end, client_end);
  SSL_set_bio(server.get(), server_end, server_end);
  SSL_set_tlsext_host_name(client.get(), host.c_str());
  SSL_set_connect_state(client.get());
  SSL_set_accept_state(server.get());
  Met met;
  char byte = 0;
  for (int turn = 0; turn < 20 && !met.agreed; ++turn) {
    // Read and write shake hands first where they have to.
    met.agreed = SSL_read(client.get(), &byte, 1) == 1;
    if (!SSL_is_init_finished(server.get())) SSL_do_handshake(server.get());
    if (SSL_is_init_finished(server.get()) && byte == 0) {
      byte = 1;
      SSL_write(server.get(), "!", 1);
    }
  }
  met.version = SSL_version(client.get());
  if (const char* sni = SSL_get_servername(server.get(), TLSEXT_NAMETYPE_host_name)) met.sni = sni;
  if (met.agreed) met.cipher = SSL_get_cipher_name(client.get());
  const unsigned char* alpn = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(client.get(), &alpn, &size);
  if (size > 0) met.alpn.assign(reinterpret_cast<const char*>(alpn), size);
  return met;
}

/// What a person would read after the last handshake of `context`.
inline std::string words(const SSL_CTX* context, const Tls& tls, const std::string& host) {
  Options to;
  to.host = host;
  to.port = 8883;
  to.tls = tls;
  return one_line(tls_error(to, tls_failure(context)));
}

}  // namespace sts::mqtt
