// sts peer: the trust file, who may speak to us by name.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "store/file.h"
#include "store/home.h"
#include "store/identity.h"
#include "store/key_file.h"
#include "store/peers.h"

namespace sts::cli {
namespace {

/// What the command line says; it outlives the parsing.
struct Arguments {
  std::string name, key, psk_file;
};

Result<crypto::Psk> read_psk(const std::string& path) {
  Result<crypto::Secret<32>> key = crypto::Secret<32>();
  if (path == "-") {
    auto text = store::read_descriptor(STDIN_FILENO, "stdin", store::key_file_limit);
    if (!text) return tl::unexpected(text.error());
    key = store::parse_key_file("stdin", store::view(*text));
  } else {
    auto read = store::read_key_file(path);
    if (!read) return tl::unexpected(read.error());
    if (!*read) return fail(Errc::bad_input, fmt::format("there is no file {}", path));
    key = std::move(**read);
  }
  if (!key) return tl::unexpected(key.error());
  return store::to_psk(std::move(*key));
}

Result<void> add(const Arguments& arguments) {
  auto home = store::Home::from_environment();
  if (!home) return tl::unexpected(home.error());
  auto key = crypto::parse_public_key(arguments.key);
  if (!key) {
    return fail(Errc::bad_input, fmt::format("KEY: {}", key.error().message),
                "give what 'sts key show' prints on the other side");
  }
  auto own = store::load_identity(*home);
  if (own && *own && (*own)->public_key == *key) {
    return fail(Errc::bad_input, "this is the public key of this side",
                "give what 'sts key show' prints on the other side");
  }
  store::Peer peer{arguments.name, *key, std::nullopt};
  if (!arguments.psk_file.empty()) {
    auto psk = read_psk(arguments.psk_file);
    if (!psk) return tl::unexpected(psk.error());
    peer.psk.emplace(std::move(*psk));
  }
  return store::add_peer(*home, std::move(peer));
}

Result<void> list() {
  auto home = store::Home::from_environment();
  if (!home) return tl::unexpected(home.error());
  auto peers = store::load_peers(*home);
  if (!peers) return tl::unexpected(peers.error());
  std::size_t width = 0;
  for (const auto& peer : *peers) width = std::max(width, peer.name.size());
  for (const auto& peer : *peers) {
    const auto line = fmt::format("{:<{}}  {}  {}{}\n", peer.name, width, crypto::to_text(peer.key),
                                  crypto::fingerprint(peer.key), peer.psk ? "  psk" : "");
    std::fputs(line.c_str(), stdout);
  }
  return {};
}

Result<void> remove(const Arguments& arguments) {
  auto home = store::Home::from_environment();
  if (!home) return tl::unexpected(home.error());
  return store::remove_peer(*home, arguments.name);
}

}  // namespace

void add_peer_command(CLI::App& app, int& exit_code) {
  auto* peer = app.add_subcommand("peer", "Manage whom this user trusts");
  peer->require_subcommand(1);
  const auto arguments = std::make_shared<Arguments>();

  auto* add_command = peer->add_subcommand("add", "Trust a peer's public key under a name");
  add_command->add_option("NAME", arguments->name, "Letters, digits, '.', '_', '-'")->required();
  add_command->add_option("KEY", arguments->key, "44 characters, as 'sts key show' prints them")
      ->required();
  add_command->add_option("--psk-file", arguments->psk_file,
                          "File with a pre-shared key of 44 characters, or - for stdin");
  add_command->callback([arguments, &exit_code] { exit_code = report(add(*arguments)); });

  peer->add_subcommand("list", "Print name, key and fingerprint of each; 'psk' where one is set")
      ->callback([&exit_code] { exit_code = report(list()); });

  auto* remove_command = peer->add_subcommand("remove", "Trust a peer no longer");
  remove_command->add_option("NAME", arguments->name)->required();
  remove_command->callback([arguments, &exit_code] { exit_code = report(remove(*arguments)); });
}

}  // namespace sts::cli
