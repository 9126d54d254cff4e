#include "crypto/keys.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/hex.h"

namespace sts::crypto {
namespace {

constexpr std::size_t text_size = 44;

std::string encode(std::span<const std::uint8_t, 32> key) {
  std::string text(text_size + 1, '\0');
  sodium_bin2base64(text.data(), text.size(), key.data(), key.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the terminator, in place: no second copy of a secret
  return text;
}

}  // namespace

void initialise() {
  if (sodium_init() >= 0) return;
  std::fputs("libsodium cannot work on this system: is there a source of randomness?\n", stderr);
  std::abort();
}

KeyPair KeyPair::generate(Random& random) {
  PrivateKey private_key;
  random.fill(private_key.writable());
  return from(std::move(private_key));
}

KeyPair KeyPair::from(PrivateKey private_key) {
  PublicKey public_key;
  crypto_scalarmult_base(public_key.bytes.data(), private_key.bytes().data());
  return {std::move(private_key), public_key};
}

Result<Secret<32>> dh(const PrivateKey& private_key, const PublicKey& public_key) {
  Secret<32> shared;
  if (crypto_scalarmult(shared.writable().data(), private_key.bytes().data(),
                        public_key.bytes.data()) != 0) {
    return fail(Errc::refused, "the other side's key is a point of small order");
  }
  return shared;
}

Result<void> check_public_key(const PublicKey& key) {
  // Any private key shows it: X25519 makes a multiple of 8 of each, the order of such a point.
  if (dh(PrivateKey(), key)) return {};
  return fail(Errc::bad_input, "this key is a point of small order, which is nobody's key",
              "give what 'sts key show' prints on the other side");
}

std::string to_text(const PublicKey& key) { return encode(key.bytes); }

std::string to_text(const Secret<32>& key) { return encode(key.bytes()); }

Result<Secret<32>> parse_secret_key(std::string_view text) {
  if (text.size() != text_size) {
    return fail(Errc::bad_input,
                "a key is 44 characters of base64, this has " + std::to_string(text.size()));
  }
  if (text.back() != '=') return fail(Errc::bad_input, "a key ends in one '=', this does not");
  text.remove_suffix(1);

  Secret<32> key;
  const char* end = nullptr;
  const auto error =
      sodium_base642bin(key.writable().data(), Secret<32>::size, text.data(), text.size(), nullptr,
                        nullptr, &end, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
  // libsodium 1.0.18 takes bytes above 127 for digits.
  const auto ascii =
      std::ranges::find_if(text, [](char c) { return static_cast<unsigned char>(c) > 127; });
  const auto valid = std::min(end - text.data(), ascii - text.begin());
  if (valid != std::ssize(text)) {
    return fail(Errc::bad_input, "a key is 44 characters of base64, number " +
                                     std::to_string(valid + 1) + " of this is none");
  }
  if (error != 0) {
    return fail(Errc::bad_input,
                "the character before the '=' of this key ends no key of 32 bytes");
  }
  return key;
}

Result<PublicKey> parse_public_key(std::string_view text) {
  return parse_secret_key(text).map([](const Secret<32>& bytes) {
    PublicKey key;
    std::copy(bytes.bytes().begin(), bytes.bytes().end(), key.bytes.begin());
    return key;
  });
}

std::string fingerprint(const PublicKey& key) {
  constexpr std::size_t shown = 16;
  constexpr std::size_t group = 4;
  std::array<std::uint8_t, 32> digest{};
  crypto_generichash_blake2b(digest.data(), digest.size(), key.bytes.data(), key.bytes.size(),
                             nullptr, 0);
  auto text = to_hex(ByteView(digest).first(shown));
  for (auto at = text.size() - group; at > 0; at -= group) text.insert(at, 1, '-');
  return text;
}

}  // namespace sts::crypto
