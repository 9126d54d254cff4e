// sts peer: the trust file, who may speak to us by name.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "base/counted.h"
#include "channel/names.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/rights_flags.h"
#include "crypto/random.h"
#include "store/file.h"
#include "store/home.h"
#include "store/identity.h"
#include "store/inbox.h"
#include "store/key_file.h"
#include "store/peers.h"
#include "store/state.h"

namespace sts::cli {
namespace {

/// What the command line says; it outlives the parsing.
struct Arguments {
  std::string name, key, psk_file, style, store;
  store::Rights rights;
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
    if (!*read)
      return fail(Errc::bad_input, fmt::format("there is no file {}", path),
                  "'sts key psk' prints a key to put into it");
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
  store::Peer peer{arguments.name, *key, std::nullopt, arguments.rights};
  if (!arguments.psk_file.empty()) {
    auto psk = read_psk(arguments.psk_file);
    if (!psk) return tl::unexpected(psk.error());
    peer.psk.emplace(std::move(*psk));
  }
  return store::add_peer(*home, std::move(peer)).map([&] {
    fmt::print("{}: fingerprint {}\n", arguments.name, crypto::fingerprint(*key));
  });
}

std::string as_json(const std::vector<store::Peer>& peers) {
  auto out = nlohmann::json::array();
  for (const auto& peer : peers) {
    out.push_back({{"name", peer.name},
                   {"key", crypto::to_text(peer.key)},
                   {"fingerprint", crypto::fingerprint(peer.key)},
                   {"psk", peer.psk.has_value()},
                   {"reads", peer.rights.reads},
                   {"writes", peer.rights.writes}});
  }
  return out.dump() + '\n';
}

std::string as_text(const std::vector<store::Peer>& peers) {
  std::size_t width = 0;
  for (const auto& peer : peers) width = std::max(width, peer.name.size());
  std::string out;
  for (const auto& peer : peers) {
    const auto rights = store::to_words(peer.rights);
    out += fmt::format("{:<{}}  {}  {}{}{}{}\n", peer.name, width, crypto::to_text(peer.key),
                       crypto::fingerprint(peer.key), peer.psk ? "  psk" : "",
                       rights.empty() ? "" : " ", rights);
  }
  return out;
}

Result<void> list(const Arguments& arguments) {
  auto home = store::Home::from_environment();
  if (!home) return tl::unexpected(home.error());
  auto peers = store::load_peers(*home);
  if (!peers) return tl::unexpected(peers.error());
  const auto text = arguments.style == "json" ? as_json(*peers) : as_text(*peers);
  std::fputs(text.c_str(), stdout);
  return {};
}

Result<void> remove(const Arguments& arguments) {
  auto home = store::Home::from_environment();
  if (!home) return tl::unexpected(home.error());
  return store::remove_peer(*home, arguments.name);
}

/// Whoever reads here takes the peer's keys from then on, whatever was seen of it before.
Result<void> reset(const Arguments& arguments) {
  auto home = store::Home::from_environment();
  if (!home) return tl::unexpected(home.error());
  auto peers = store::load_peers(*home);
  if (!peers) return tl::unexpected(peers.error());
  const auto peer = std::ranges::find(*peers, arguments.name, &store::Peer::name);
  if (peer == peers->end()) {
    return fail(Errc::bad_input, fmt::format("no peer is named '{}'", arguments.name),
                "'sts peer list' shows them");
  }
  const auto identity = store::load_identity(*home);
  if (!identity) return tl::unexpected(identity.error());
  std::uint64_t rows = 0;
  crypto::SystemRandom random;
  const auto forget = [&](store::ReaderStore& kept) -> Result<void> {
    auto change = kept.begin();
    if (!change) return tl::unexpected(change.error());
    const auto removed = change->remove_readers(channel::sender_id(peer->key).bytes);
    if (!removed) return tl::unexpected(removed.error());
    rows = *removed;
    return change->commit();
  };
  if (!arguments.store.empty() && *identity) {
    if (!std::filesystem::exists(arguments.store)) {
      return fail(Errc::bad_input, arguments.store + " is not there", "--store as for sts sub");
    }
    auto inbox = store::Inbox::open({arguments.store}, (*identity)->private_key, random);
    if (!inbox) return tl::unexpected(inbox.error());
    if (auto done = forget(*inbox); !done) return done;
  } else if (*identity && std::filesystem::exists(home->state_file())) {
    auto state = store::State::open(*home, (*identity)->private_key, random);
    if (!state) return tl::unexpected(state.error());
    if (!state->warning().empty()) show({client::Level::warning, state->warning()});
    if (auto done = forget(*state); !done) return done;
  }
  fmt::print("{}: {}\n", arguments.name,
             rows == 0 ? "no reader had kept anything"
                       : fmt::format("forgotten by {}", counted(rows, "reader", "readers")));
  return {};
}

Result<void> change(const Arguments& arguments, decltype(store::allow)& how) {
  auto home = store::Home::from_environment();
  if (!home) return tl::unexpected(home.error());
  if (arguments.rights.reads.empty() && arguments.rights.writes.empty()) {
    return fail(Errc::bad_input, "neither --reads nor --writes says which topics",
                "--reads FILTER or --writes FILTER");
  }
  return how(*home, arguments.name, arguments.rights);
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
                          "File with a pre-shared key, or - for stdin");
  add_rights(*add_command, arguments->rights);
  add_command->callback([arguments, &exit_code] { exit_code = report(add(*arguments)); });

  auto* list_command =
      peer->add_subcommand("list", "Print name, key, fingerprint, 'psk' and rights");
  list_command->add_option("--format", arguments->style, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  list_command->callback([arguments, &exit_code] { exit_code = report(list(*arguments)); });

  for (const auto& [verb, how, help] :
       {std::tuple("allow", &store::allow, "Let a peer read or write more topics"),
        std::tuple("deny", &store::deny, "Take such filters from a peer")}) {
    auto* command = peer->add_subcommand(verb, help);
    command->add_option("NAME", arguments->name)->required();
    add_rights(*command, arguments->rights);
    command->callback(
        [arguments, how = how, &exit_code] { exit_code = report(change(*arguments, *how)); });
  }

  auto* reset_command = peer->add_subcommand("reset", "Begin anew with a peer that lost its state");
  reset_command->add_option("NAME", arguments->name)->required();
  reset_command->add_option("--store", arguments->store, "of readers that keep it in this file");
  reset_command->callback([arguments, &exit_code] { exit_code = report(reset(*arguments)); });

  auto* remove_command = peer->add_subcommand("remove", "Trust a peer no longer");
  remove_command->add_option("NAME", arguments->name)->required();
  remove_command->callback([arguments, &exit_code] { exit_code = report(remove(*arguments)); });
}

}  // namespace sts::cli
