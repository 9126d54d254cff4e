// TLS for libmosquitto: the context that it connects with, and why a handshake failed.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "mqtt/options.h"

namespace sts::mqtt {

struct FreeSslCtx {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeSslCtx>;

/// What `tls` says, for connections to `host`: TLS 1.2 or newer, and a certificate of the broker
/// that is trusted and bears tls.server_name, or else `host`: what a person named, not what DNS
/// made of it. That name is sent as well (SNI), unless it is an address.
///
/// For libmosquitto's MOSQ_OPT_SSL_CTX, with MOSQ_OPT_SSL_CTX_WITH_DEFAULTS 0. libmosquitto takes a
/// reference of its own. A context serves one connection at a time.
///
/// Errors: bad_input names what of `tls` is wrong. Nothing of a key or passphrase is in them.
Result<TlsContext> make_tls_context(const Tls& tls, const std::string& host);

/// Why the last connection with a context failed, as far as TLS knows; all empty if it doesn't.
struct TlsFailure {
  int verify = X509_V_OK;          // X509_V_ERR_...: the broker's certificate isn't accepted,
  int depth = 0;                   // or, above 0, the CA's that so many steps above it,
  std::string subject;             // which is of this one,
  std::string names;               // and for these: "a.example, 10.0.0.1"
  bool certificate_asked = false;  // the broker wants one of ours
  int alert = 0;                   // what the broker sent, SSL_AD_...
  unsigned long error = 0;         // OpenSSL's, as for ERR_GET_REASON
};

/// Of a context that make_tls_context() made. Not while another thread connects with it.
const TlsFailure& tls_failure(const SSL_CTX* context);

/// The same in words.
Error tls_error(const Options& to, const TlsFailure& failure);

}  // namespace sts::mqtt
