#include "store/identity.h"

#include <fmt/format.h>

#include "store/file.h"
#include "store/key_file.h"

namespace sts::store {

Result<std::optional<crypto::KeyPair>> load_identity(const Home& home) {
  auto key = read_key_file(home.identity_file());
  if (!key) return tl::unexpected(key.error());
  if (!*key) return std::nullopt;
  return crypto::KeyPair::from(crypto::PrivateKey(std::move(**key)));
}

Result<crypto::KeyPair> create_identity(const Home& home, Random& random) {
  auto lock = HomeLock::acquire(home);
  if (!lock) return tl::unexpected(lock.error());
  const auto path = home.identity_file();
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::symlink_status(path, ignored))) {
    return fail(Errc::refused, fmt::format("there is an identity already: {}", path.string()),
                "'sts key show' prints its public key; for another one move the file away first, "
                "and tell every peer the new key");
  }
  auto pair = crypto::KeyPair::generate(random);
  WipedText text;
  auto key = crypto::to_text(pair.private_key);
  append(text, key);
  append(text, "\n");
  sodium_memzero(key.data(), key.size());
  auto written = write_file(*lock, path, view(text), Existing::keep);
  if (!written) return tl::unexpected(written.error());
  return pair;
}

}  // namespace sts::store
