// sts: the shell, and the subcommands beside it. Loop, wall clock, randomness and STS_HOME are
// given to the rooms from here.
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>

#include "cli/commands.h"
#include "cli/connection_flags.h"
#include "cli/report.h"
#include "client/client.h"
#include "client/config.h"
#include "crypto/keys.h"
#include "crypto/random.h"
#include "shell/commands.h"
#include "shell/shell.h"
#include "store/home.h"

namespace {

constexpr const char* examples =
    R"(Without a command sts opens the shell: on a terminal with line editing, else it
reads commands from the standard input. 'help' in it lists them; the manual is
sts(1). Identity and trusted peers lie in STS_HOME, by default ~/.config/sts.

Examples:
  sts key gen                                  make this machine's identity
  sts peer add gateway PUBLIC-KEY              trust a peer by its public key
  sts invite --name pump                       or by a token that it joins with
  sts                                          the shell; there: start CONFIG
  sts pub --peer gateway -t plant/7 -m 21.5    send a message
  printf 'start my.conf\nsendenc hi\n' | sts   run a script)";

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
  environment.make_client = [&](sts::client::Observer& observer) {
    return std::make_unique<sts::client::Client>(loop, *home, random, observer);
  };
  environment.now = std::chrono::system_clock::now;
  environment.program_umask = users_umask;
  environment.greeting = "Secure Telemetry Shell " STS_VERSION " - 'help' lists the commands";
  sts::shell::Shell shell(loop, sts::shell::builtin_commands(), std::move(environment));
  return shell.run();
}

}  // namespace

int main(int argc, char** argv) {
  const mode_t users_umask = harden();
  sts::crypto::initialise();

  // All the flags would stay in memory as long as the shell.
  if (argc == 1) return run_shell(users_umask);

  CLI::App app("Secure Telemetry Shell: end-to-end encrypted messages over any MQTT broker", "sts");
  int exit_code = 0;
  sts::cli::add_commands(app, exit_code);
  app.footer(examples);  // after the subcommands, which would inherit it
  try {
    std::vector<std::string> arguments(argv + 1, argv + argc);
    sts::cli::blank_secrets(argc, argv);
    if (arguments[0] == "help") {  // as git and the shell have it
      arguments.erase(arguments.begin());
      arguments.emplace_back("--help");
    }
    std::ranges::reverse(arguments);  // as CLI11 wants them
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return sts::cli::report(app, error);
  }
  return exit_code;
}
