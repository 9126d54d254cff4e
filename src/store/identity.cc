#include "store/identity.h"

#include <fmt/format.h>

#include "store/file.h"
#include "store/key_file.h"

namespace sts::store {
namespace {

Result<crypto::KeyPair> make(const HomeLock& lock, const Home& home, Random& random) {
  auto pair = crypto::KeyPair::generate(random);
  WipedText text;
  auto key = crypto::to_text(pair.private_key);
  append(text, key);
  append(text, "\n");
  sodium_memzero(key.data(), key.size());
  auto written = write_file(lock, home.identity_file(), view(text), Existing::keep);
  if (!written) return tl::unexpected(written.error());
  return pair;
}

}  // namespace

Result<std::optional<crypto::KeyPair>> load_identity(const Home& home) {
  auto safe = check_home(home);
  if (!safe) return tl::unexpected(safe.error());
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
  return make(*lock, home, random);
}

Result<Identity> load_or_create_identity(const Home& home, Random& random) {
  // First without the lock: a home that can only be read will do.
  auto loaded = load_identity(home);
  std::optional<HomeLock> lock;
  if (loaded && !*loaded) {
    auto acquired = HomeLock::acquire(home);
    if (!acquired) return tl::unexpected(acquired.error());
    lock.emplace(std::move(*acquired));
    loaded = load_identity(home);
  }
  if (!loaded) return tl::unexpected(loaded.error());
  if (*loaded) return Identity{std::move(**loaded), false};
  return make(*lock, home, random).map([](crypto::KeyPair&& pair) {
    return Identity{std::move(pair), true};
  });
}

}  // namespace sts::store
