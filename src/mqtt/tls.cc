#include "mqtt/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "mqtt/tls_state.h"

namespace sts::mqtt {
namespace {

constexpr std::size_t longest_identity = 128;  // TLS allows more; OpenSSL 1.1's brokers don't
constexpr std::size_t longest_psk = PSK_MAX_PSK_LEN;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

tl::unexpected<Error> no_memory() { return fail(Errc::limit, "no memory for TLS"); }

/// OpenSSL couldn't use a file: `holds` is what should be in it.
tl::unexpected<Error> file_error(const std::string& path, const char* holds, std::string hint) {
  const unsigned long error = ERR_peek_error();
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(error)) {
    return fail(Errc::bad_input,
                fmt::format("cannot read {}: {}", path, std::strerror(ERR_GET_REASON(error))),
                std::move(hint));
  }
  return fail(Errc::bad_input, fmt::format("{} holds no {}", path, holds), std::move(hint));
}

Result<void> trust(SSL_CTX* context, const Tls& tls) {
  if (!tls.ca_file.empty() && SSL_CTX_load_verify_file(context, tls.ca_file.c_str()) != 1) {
    return file_error(tls.ca_file, "certificate in PEM",
                      "set cafile to a file of CA certificates in PEM");
  }
  if (!tls.ca_path.empty()) {
    std::error_code ignored;
    // OpenSSL looks into it only during the handshake.
    if (!std::filesystem::is_directory(tls.ca_path, ignored) ||
        SSL_CTX_load_verify_dir(context, tls.ca_path.c_str()) != 1) {
      return fail(Errc::bad_input, fmt::format("{} is not a directory", tls.ca_path),
                  "set capath to a directory of CA certificates that openssl rehash has seen");
    }
  }
  if (tls.ca_file.empty() && tls.ca_path.empty()) SSL_CTX_set_default_verify_paths(context);
  return {};
}

int no_passphrase(char*, int, int, void*) { return -1; }

struct Passphrase {
  const std::string& text;
  bool asked = false;
};

int give_passphrase(char* out, int size, int, void* data) {
  auto& passphrase = *static_cast<Passphrase*>(data);
  passphrase.asked = true;
  if (passphrase.text.empty() || passphrase.text.size() > static_cast<std::size_t>(size)) return -1;
  std::copy(passphrase.text.begin(), passphrase.text.end(), out);
  return static_cast<int>(passphrase.text.size());
}

Result<Key> read_key(const Tls& tls) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(
      BIO_new_mem_buf(tls.key.data(), static_cast<int>(tls.key.size())), BIO_free);
  if (!in) return no_memory();
  Passphrase passphrase{tls.key_passphrase};
  Key key(PEM_read_bio_PrivateKey(in.get(), nullptr, give_passphrase, &passphrase), EVP_PKEY_free);
  if (key) return key;
  ERR_clear_error();
  if (!passphrase.asked) {
    return fail(Errc::bad_input, "the key of our certificate is no private key in PEM",
                "set key to what begins with -----BEGIN PRIVATE KEY-----");
  }
  if (tls.key_passphrase.empty()) {
    return fail(Errc::bad_input, "the key of our certificate is encrypted", "give its passphrase");
  }
  return fail(Errc::bad_input, "the passphrase doesn't open the key of our certificate",
              "give the passphrase that the key was made with");
}

Result<void> identify(SSL_CTX* context, const Tls& tls) {
  if (tls.certificate_file.empty() && tls.key.empty()) return {};
  if (tls.certificate_file.empty() || tls.key.empty()) {
    return fail(Errc::bad_input, "a certificate and its key go together", "set both cert and key");
  }
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  if (SSL_CTX_use_certificate_chain_file(context, tls.certificate_file.c_str()) != 1) {
    return file_error(tls.certificate_file, "usable certificate in PEM",
                      "set cert to the file of our certificate, in PEM");
  }
  auto key = read_key(tls);
  if (!key) return tl::unexpected(key.error());
  if (SSL_CTX_use_PrivateKey(context, key->get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return fail(Errc::bad_input, fmt::format("the key is not that of {}", tls.certificate_file),
                "set cert and key to what was made together");
  }
  return {};
}

/// The name or address to be in the certificate; a name is sent as SNI too.
Result<void> expect_name(SSL_CTX* context, TlsState& state, std::string name) {
  if (name.starts_with('/')) {
    return fail(Errc::bad_input, fmt::format("TLS on {} has no name to check", name),
                "set tls_name to a name in the broker's certificate");
  }
  if (name.find(':') != std::string::npos) name.erase(std::min(name.size(), name.find('%')));
  if (name.ends_with('.')) name.pop_back();
  auto* checks = SSL_CTX_get0_param(context);
  if (X509_VERIFY_PARAM_set1_ip_asc(checks, name.c_str()) == 1) return {};
  ERR_clear_error();
  X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (name.empty() || name.size() > TLSEXT_MAXLEN_host_name ||
      X509_VERIFY_PARAM_set1_host(checks, name.data(), name.size()) != 1) {
    ERR_clear_error();
    return fail(Errc::bad_input, fmt::format("'{}' is no name of a host", name),
                "set url, or tls_name, to a name in the broker's certificate");
  }
  state.name = std::move(name);
  return {};
}

unsigned give_psk(SSL* connection, const char*, char* identity, unsigned identity_size,
                  unsigned char* psk, unsigned psk_size) {
  const auto& state = *state_of(connection);
  if (state.psk_identity.size() >= identity_size || state.psk.size() > psk_size) return 0;
  std::memcpy(identity, state.psk_identity.c_str(), state.psk_identity.size() + 1);
  std::memcpy(psk, state.psk.data(), state.psk.size());
  return static_cast<unsigned>(state.psk.size());
}

Result<void> use_psk(SSL_CTX* context, TlsState& state, const Tls& tls) {
  if (tls.psk_identity.empty() || tls.psk.empty()) {
    return fail(Errc::bad_input, "a pre-shared key and its identity go together",
                "set both psk and psk_identity");
  }
  if (tls.psk_identity.size() > longest_identity || tls.psk.size() > longest_psk) {
    return fail(Errc::bad_input,
                fmt::format("the pre-shared key or its identity is too long (at most {} and {} "
                            "bytes)",
                            longest_psk, longest_identity),
                "give broker and client shorter ones");
  }
  if (tls.psk_identity.find('\0') != std::string::npos) {
    return fail(Errc::bad_input, "the identity of a pre-shared key has no zero byte",
                "set psk_identity to text");
  }
  // Forward secrecy first. Of TLS 1.3 those with SHA-256, which such a key is bound to.
  if (SSL_CTX_set_cipher_list(context, "kECDHEPSK:kDHEPSK:kPSK:!eNULL") != 1 ||
      SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256") !=
          1) {
    return fail(Errc::bad_input, "this machine's OpenSSL knows no TLS with pre-shared keys",
                "use certificates");
  }
  state.psk_identity = tls.psk_identity;
  state.psk = tls.psk;
  SSL_CTX_set_psk_client_callback(context, give_psk);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, refuse_certificates, nullptr);
  return {};
}

Result<void> use_certificates(SSL_CTX* context, const Tls& tls) {
  SSL_CTX_set_verify(context, tls.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                     tls.insecure ? nullptr : note_verification);
  if (!tls.insecure) {
    if (auto trusted = trust(context, tls); !trusted) return trusted;
  }
  return identify(context, tls);
}

Result<void> offer_alpn(SSL_CTX* context, const std::vector<std::string>& protocols) {
  Bytes wire;
  for (const auto& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) {
      return fail(Errc::bad_input, "an ALPN protocol has 1 to 255 bytes", "check alpn");
    }
    wire.push_back(static_cast<std::uint8_t>(protocol.size()));
    append(wire, as_bytes(protocol));
  }
  // 0 means success here.
  if (!wire.empty() &&
      SSL_CTX_set_alpn_protos(context, wire.data(), static_cast<unsigned>(wire.size())) != 0) {
    return fail(Errc::bad_input, "the ALPN protocols are too many", "set fewer in alpn");
  }
  return {};
}

}  // namespace

Result<TlsContext> make_tls_context(const Tls& tls, const std::string& host) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  if (!context) return no_memory();
  auto* const state = attach_state(context.get());
  if (state == nullptr) return no_memory();
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  // What libmosquitto sends again after a full socket buffer may have moved meanwhile.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const bool psk = !tls.psk_identity.empty() || !tls.psk.empty();
  auto named = expect_name(context.get(), *state, tls.server_name.empty() ? host : tls.server_name);
  if (!named && !psk && !tls.insecure) return tl::unexpected(named.error());
  auto made = psk ? use_psk(context.get(), *state, tls) : use_certificates(context.get(), tls);
  if (made) made = offer_alpn(context.get(), tls.alpn);
  if (!made) return tl::unexpected(made.error());
  return context;
}

}  // namespace sts::mqtt
