// What a failed TLS handshake means, in words for people.
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "mqtt/tls.h"

namespace sts::mqtt {
namespace {

constexpr auto usual_port = "check url and port; TLS is usually on 8883, without TLS on 1883";

std::string where(const Options& to) { return fmt::format("{}:{}", to.host, to.port); }

bool has_psk(const Options& to) { return to.tls && !to.tls->psk.empty(); }

bool has_certificate(const Options& to) { return to.tls && !to.tls->certificate_file.empty(); }

const std::string& name(const Options& to) {
  return to.tls && !to.tls->server_name.empty() ? to.tls->server_name : to.host;
}

Error verify_error(const Options& to, const TlsFailure& failure) {
  const auto whose = failure.depth == 0 ? fmt::format("the certificate of {}", where(to))
                                        : fmt::format("the CA certificate ({}) behind {}",
                                                      failure.subject, where(to));
  const auto* words = X509_verify_cert_error_string(failure.verify);
  switch (failure.verify) {
    case X509_V_ERR_APPLICATION_VERIFICATION:
      return {Errc::refused,
              fmt::format("{} has a certificate, where a pre-shared key is wanted", where(to)),
              "check that this port of the broker takes pre-shared keys, and psk_identity"};
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return {Errc::refused,
              fmt::format("{} is not for {} but for {}", whose, name(to),
                          failure.names.empty() ? failure.subject : failure.names),
              "set url to a name in it, or tls_name"};
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {Errc::refused, fmt::format("{} is not valid now: {}", whose, words),
              "check this machine's clock: date; if it is right, renew the certificate"};
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return {Errc::refused, fmt::format("{} is not trusted: {}", whose, words),
              "set cafile to the CA that signed it"};
    default:
      return {Errc::refused, fmt::format("{} is not accepted: {}", whose, words),
              "give the broker another certificate"};
  }
}

/// The broker has looked at what we showed, or didn't, and broke off.
Error identity_error(const Options& to, const char* words) {
  if (has_psk(to)) {
    return {Errc::refused, fmt::format("{} refused the pre-shared key: {}", where(to), words),
            "check psk and psk_identity, and that the broker knows them"};
  }
  if (has_certificate(to)) {
    return {Errc::refused, fmt::format("{} refused our certificate: {}", where(to), words),
            "set cert and key to what a CA signed that the broker trusts"};
  }
  return {Errc::refused, fmt::format("{} wants a certificate of ours", where(to)),
          "set cert and key"};
}

Error old_tls(const Options& to) {
  return {Errc::io, fmt::format("{} knows no version of TLS that is safe", where(to)),
          "let the broker speak TLS 1.2 or newer"};
}

Error alert_error(const Options& to, const TlsFailure& failure) {
  const auto* words = SSL_alert_desc_string_long(failure.alert);
  switch (failure.alert) {
    case SSL_AD_PROTOCOL_VERSION:
      return old_tls(to);
    case SSL_AD_UNRECOGNIZED_NAME:
      return {Errc::refused, fmt::format("{} doesn't know the name {}", where(to), name(to)),
              "set url to a name of the broker, or tls_name"};
    case SSL_AD_NO_APPLICATION_PROTOCOL:
      return {Errc::refused, fmt::format("{} speaks no protocol that alpn names", where(to)),
              "set alpn to what the broker wants, often mqtt"};
    case SSL_AD_CERTIFICATE_REQUIRED:
    case SSL_AD_UNKNOWN_PSK_IDENTITY:
      return identity_error(to, words);
    default:
      if (has_psk(to) || failure.certificate_asked) return identity_error(to, words);
      return {Errc::io, fmt::format("TLS with {} failed: it says {}", where(to), words),
              "see the broker's log"};
  }
}

Error library_error(const Options& to, unsigned long error) {
  const auto* words = ERR_reason_error_string(error);
  switch (ERR_GET_REASON(error)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return {Errc::io, fmt::format("what listens on {} doesn't speak TLS", where(to)), usual_port};
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return old_tls(to);
    default:
      return {Errc::io, fmt::format("TLS with {} failed: {}", where(to),
                                    words == nullptr ? "no reason known" : words)};
  }
}

}  // namespace

Error tls_error(const Options& to, const TlsFailure& failure) {
  if (failure.verify != X509_V_OK) return verify_error(to, failure);
  if (failure.alert != 0) return alert_error(to, failure);
  if (failure.error != 0 && ERR_GET_REASON(failure.error) != SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return library_error(to, failure.error);
  }
  return {Errc::io, fmt::format("{} ended the connection in the midst of TLS", where(to)),
          usual_port};
}

}  // namespace sts::mqtt
