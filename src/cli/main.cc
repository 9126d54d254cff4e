// sts: the shell, and the subcommands beside it. The only place that knows the real clock, the real
// randomness and the environment.
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <csignal>

#include "cli/commands.h"
#include "client/client.h"
#include "client/config.h"
#include "crypto/keys.h"
#include "crypto/random.h"
#include "shell/commands.h"
#include "shell/shell.h"
#include "store/home.h"

namespace {

constexpr int usage_error = 2;

constexpr const char* examples =
    R"(Without a command sts opens the shell: on a terminal with line editing, and otherwise it reads its
commands from the standard input, line by line.

Examples:
  sts key gen                                  make this machine's identity
  sts peer add gateway PUBLIC-KEY              trust a peer by its public key
  sts                                          open the shell; there: start configs/secslave
  printf 'start my.conf\nsendenc hi\n' | sts   run a script; exit code 1 if a command failed

STS_HOME is where the identity and the trusted peers lie (default: $XDG_CONFIG_HOME/sts).)";

/// No core file and no debugger of the same user gets at the keys in memory; a closed pipe is an
/// error to handle; the thread that connects does not cost a heap of its own. Returns the umask
/// before.
mode_t harden() {
#ifndef __SANITIZE_ADDRESS__  // its leak check is a debugger
  ::prctl(PR_SET_DUMPABLE, 0);
#endif
  ::mallopt(M_ARENA_MAX, 1);
  std::signal(SIGPIPE, SIG_IGN);
  return ::umask(077);
}

int run_shell(mode_t users_umask) {
  auto home = sts::store::Home::from_environment();
  if (!home) return sts::cli::report(tl::unexpected(home.error()));

  asio::io_context loop(1);
  sts::crypto::SystemRandom random;
  sts::shell::Environment environment;
  environment.load_config = sts::client::load_config;
  environment.now = std::chrono::system_clock::now;
  environment.program_umask = users_umask;
  environment.greeting = "Secure Telemetry Shell " STS_VERSION " - 'help' lists the commands";
  sts::shell::Shell shell(loop, sts::shell::builtin_commands(), std::move(environment));
  sts::client::Client client(loop, *home, random, shell.observer());
  return shell.run(client);
}

}  // namespace

int main(int argc, char** argv) {
  const mode_t users_umask = harden();
  sts::crypto::initialise();

  CLI::App app("Secure Telemetry Shell: end-to-end encrypted messages over any MQTT broker", "sts");
  app.footer(examples);
  app.set_version_flag("--version", "sts " STS_VERSION);
  app.require_subcommand(0, 1);
  int exit_code = 0;
  sts::cli::add_key_command(app, exit_code);
  sts::cli::add_peer_command(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : usage_error;
  }
  return app.get_subcommands().empty() ? run_shell(users_umask) : exit_code;
}
