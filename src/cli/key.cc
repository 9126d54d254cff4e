// sts key: this user's identity, and new psks. A key goes to stdout, alone, for scripts; the rest
// to stderr.
#include <fmt/format.h>

#include <cstdio>

#include "cli/commands.h"
#include "cli/report.h"
#include "crypto/random.h"
#include "store/home.h"
#include "store/identity.h"

namespace sts::cli {
namespace {

void print(const crypto::PublicKey& key) {
  std::puts(crypto::to_text(key).c_str());
  std::fflush(stdout);
  fmt::print(stderr, "fingerprint: {}\n", crypto::fingerprint(key));
}

Result<void> generate() {
  auto home = store::Home::from_environment();
  if (!home) return tl::unexpected(home.error());
  crypto::SystemRandom random;
  auto pair = store::create_identity(*home, random);
  if (!pair) return tl::unexpected(pair.error());
  print(pair->public_key);
  fmt::print(stderr, "stored in {}\n", home->identity_file().string());
  return {};
}

Result<void> show_key() {
  auto home = store::Home::from_environment();
  if (!home) return tl::unexpected(home.error());
  auto pair = store::load_identity(*home);
  if (!pair) return tl::unexpected(pair.error());
  if (!*pair) {
    return fail(Errc::io, fmt::format("there is no identity yet in {}", home->directory().string()),
                "sts key gen");
  }
  print((*pair)->public_key);
  return {};
}

Result<void> make_psk() {
  crypto::SystemRandom random;
  crypto::Psk psk;
  random.fill(psk.writable());
  auto text = crypto::to_text(psk);
  std::puts(text.c_str());
  sodium_memzero(text.data(), text.size());
  return {};
}

}  // namespace

void add_key_command(CLI::App& app, int& exit_code) {
  auto* key = app.add_subcommand("key", "Make or show the identity of this user, make a psk");
  key->require_subcommand(1);
  key->add_subcommand("gen", "Make an identity and print its public key")->callback([&exit_code] {
    exit_code = report(generate());
  });
  key->add_subcommand("show", "Print the public key")->callback([&exit_code] {
    exit_code = report(show_key());
  });
  key->add_subcommand("psk", "Print a new pre-shared key; nothing is stored")
      ->callback([&exit_code] { exit_code = report(make_psk()); });
}

}  // namespace sts::cli
