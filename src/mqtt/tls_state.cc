#include "mqtt/tls_state.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

namespace sts::mqtt {
namespace {

constexpr std::size_t most_words = 200;  // of what a stranger's certificate says, in an error

void free_state(void*, void* state, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<TlsState*>(state);
}

int state_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_state);
  return index;
}

/// Fit for a terminal.
std::string shown(std::string_view text) {
  std::string out(text.substr(0, most_words));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

std::string subject_of(X509* certificate) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  if (!out) return {};
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return size > 0 ? shown({data, static_cast<std::size_t>(size)}) : std::string();
}

std::string name_of(const GENERAL_NAME& name) {
  if (name.type == GEN_DNS) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(name.d.dNSName)),
            static_cast<std::size_t>(ASN1_STRING_length(name.d.dNSName))};
  }
  if (name.type != GEN_IPADD) return {};
  const int size = ASN1_STRING_length(name.d.iPAddress);
  if (size != 4 && size != 16) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name.d.iPAddress), text.data(),
            text.size());
  return text.data();
}

/// The host names and addresses that a certificate is for.
std::string names_of(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  std::string all;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()) && all.size() < most_words; ++i) {
    const std::string name = name_of(*sk_GENERAL_NAME_value(names.get(), i));
    if (!name.empty()) all += (all.empty() ? "" : ", ") + name;
  }
  return shown(all);
}

TlsState* state_behind(const X509_STORE_CTX* chain) {
  return state_of(static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx())));
}

/// Called between SSL_new() and the first byte, so what libmosquitto set there is replaced.
void begin(const SSL* connection, TlsState& state) {
  state.failure = {};
  char* const name = state.name.empty() ? nullptr : state.name.data();
  // Const only in the callback's type: OpenSSL hands out the connection that it works on.
  SSL_set_tlsext_host_name(const_cast<SSL*>(connection), name);
}

void note_progress(const SSL* connection, int where, int value) {
  auto& state = *state_of(connection);
  if ((where & SSL_CB_HANDSHAKE_START) != 0) begin(connection, state);
  if (where == SSL_CB_READ_ALERT) {
    const int alert = value & 0xff;
    if (alert != SSL_AD_CLOSE_NOTIFY && alert != SSL_AD_USER_CANCELLED) state.failure.alert = alert;
  }
  // libmosquitto empties OpenSSL's queue of errors before anybody else sees it.
  if (where == SSL_CB_CONNECT_EXIT && value <= 0) state.failure.error = ERR_peek_error();
}

/// Called when the broker asks for a certificate.
int note_request(SSL* connection, void*) {
  state_of(connection)->failure.certificate_asked = true;
  return 1;
}

}  // namespace

TlsState::~TlsState() { OPENSSL_cleanse(psk.data(), psk.size()); }

TlsState* attach_state(SSL_CTX* context) {
  auto state = std::make_unique<TlsState>();
  if (SSL_CTX_set_ex_data(context, state_index(), state.get()) != 1) return nullptr;
  SSL_CTX_set_info_callback(context, note_progress);
  SSL_CTX_set_cert_cb(context, note_request, nullptr);
  return state.release();
}

TlsState* state_of(const SSL* connection) {
  return static_cast<TlsState*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), state_index()));
}

const TlsFailure& tls_failure(const SSL_CTX* context) {
  return static_cast<TlsState*>(SSL_CTX_get_ex_data(context, state_index()))->failure;
}

int note_verification(int accepted, X509_STORE_CTX* chain) {
  if (accepted == 1) return accepted;
  auto& failure = state_behind(chain)->failure;
  failure.verify = X509_STORE_CTX_get_error(chain);
  failure.depth = X509_STORE_CTX_get_error_depth(chain);
  if (auto* certificate = X509_STORE_CTX_get_current_cert(chain)) {
    failure.subject = subject_of(certificate);
    failure.names = names_of(certificate);
  }
  return accepted;
}

int refuse_certificates(X509_STORE_CTX* chain, void*) {
  X509_STORE_CTX_set_error(chain, X509_V_ERR_APPLICATION_VERIFICATION);
  state_behind(chain)->failure.verify = X509_V_ERR_APPLICATION_VERIFICATION;
  return 0;
}

}  // namespace sts::mqtt
