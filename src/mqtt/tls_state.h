// What the callbacks of a TLS context know and find out. It lives as long as the context.
#pragma once

#include <openssl/ssl.h>

#include <string>

#include "base/bytes.h"
#include "mqtt/tls.h"

namespace sts::mqtt {

struct TlsState {
  TlsState() = default;
  TlsState(const TlsState&) = delete;
  TlsState& operator=(const TlsState&) = delete;
  ~TlsState();

  TlsFailure failure;
  std::string name;  // to be sent (SNI); empty: none
  std::string psk_identity;
  Bytes psk;
};

/// Gives `context` a state, and callbacks that write down failures and set SNI. Null: no memory.
TlsState* attach_state(SSL_CTX* context);

TlsState* state_of(const SSL* connection);

/// For SSL_CTX_set_verify(): takes OpenSSL's judgement, and writes down why it is no.
int note_verification(int accepted, X509_STORE_CTX* chain);

/// For SSL_CTX_set_cert_verify_callback(): no certificate will do.
int refuse_certificates(X509_STORE_CTX* chain, void*);

}  // namespace sts::mqtt
