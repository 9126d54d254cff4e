#include "legacy/ecdh.h"

#include <fmt/format.h>
#include <mbedtls/ecp.h>

#include <algorithm>
#include <cstdlib>

namespace sts::legacy {
namespace {

/// Mbed TLS fails here only without memory, which ends the program as it does elsewhere.
void must(int code) {
  if (code != 0) std::abort();
}

int draw(void* random, unsigned char* out, std::size_t size) {
  static_cast<Random*>(random)->fill({out, size});
  return 0;
}

struct Group {
  explicit Group(Curve curve) {
    mbedtls_ecp_group_init(&it);
    must(mbedtls_ecp_group_load(
        &it, curve == Curve::secp256k1 ? MBEDTLS_ECP_DP_SECP256K1 : MBEDTLS_ECP_DP_CURVE25519));
  }
  ~Group() { mbedtls_ecp_group_free(&it); }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  mbedtls_ecp_group it;
};

struct Number {
  Number() { mbedtls_mpi_init(&it); }
  explicit Number(const Secret& secret) : Number() {
    must(mbedtls_mpi_read_binary(&it, secret.bytes().data(), secret.bytes().size()));
  }
  ~Number() { mbedtls_mpi_free(&it); }
  Number(const Number&) = delete;
  Number& operator=(const Number&) = delete;
  mbedtls_mpi it;
};

struct Point {
  Point() { mbedtls_ecp_point_init(&it); }
  explicit Point(const PublicKey& key) : Point() {
    must(mbedtls_mpi_read_binary(&it.X, key.x.data(), key.x.size()));
    if (key.y) must(mbedtls_mpi_read_binary(&it.Y, key.y->data(), key.y->size()));
    must(mbedtls_mpi_lset(&it.Z, 1));
  }
  ~Point() { mbedtls_ecp_point_free(&it); }
  Point(const Point&) = delete;
  Point& operator=(const Point&) = delete;
  mbedtls_ecp_point it;
};

/// RFC 7748, section 5, on big-endian bytes.
void clamp(Secret& key) {
  auto bytes = key.writable();
  bytes[31] &= 0xF8U;
  bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x7FU) | 0x40U);
}

Secret draw_private_key(Curve curve, const mbedtls_ecp_group& group, Random& random) {
  Secret key;
  while (true) {
    random.fill(key.writable());
    if (curve == Curve::x25519) clamp(key);
    const Number number(key);
    if (mbedtls_ecp_check_privkey(&group, &number.it) == 0) return key;
  }
}

}  // namespace

std::string_view name(Curve curve) { return curve == Curve::secp256k1 ? "secp256k1" : "x25519"; }

KeyPair KeyPair::generate(Curve curve, Random& random) {
  Group group(curve);
  Secret key = draw_private_key(curve, group.it, random);
  const Number number(key);
  Point product;
  must(mbedtls_ecp_mul(&group.it, &product.it, &number.it, &group.it.G, draw, &random));

  PublicKey public_key;
  must(mbedtls_mpi_write_binary(&product.it.X, public_key.x.data(), public_key.x.size()));
  if (curve == Curve::secp256k1) {
    auto& y = public_key.y.emplace();
    must(mbedtls_mpi_write_binary(&product.it.Y, y.data(), y.size()));
  }
  return {std::move(key), public_key};
}

Result<Secret> KeyPair::shared_secret(const PublicKey& peer, Random& random) const {
  const auto refuse = [&] {
    return fail(Errc::refused,
                fmt::format("the peer's public key is not a usable point of {}", name(curve())));
  };
  if (peer.curve() != curve()) return refuse();
  Group group(curve());
  const Point point(peer);
  const Number number(private_key_);
  Point product;
  // The multiplication refuses a point that is not on the curve; zero is what one of low order
  // gives.
  if (mbedtls_ecp_mul(&group.it, &product.it, &number.it, &point.it, draw, &random) != 0 ||
      mbedtls_mpi_cmp_int(&product.it.X, 0) == 0) {
    return refuse();
  }

  Secret secret;
  must(mbedtls_mpi_write_binary(&product.it.X, secret.writable().data(), 32));
  if (curve() == Curve::x25519) std::ranges::reverse(secret.writable());
  return secret;
}

bool has_zero_byte(const Secret& secret) {
  return std::ranges::find(secret.bytes(), 0) != secret.bytes().end();
}

}  // namespace sts::legacy
