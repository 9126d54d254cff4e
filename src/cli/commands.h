// The subcommands that main() offers, one file each.
#pragma once

#include <CLI/App.hpp>

namespace sts::cli {

/// All of them, and their help. When `app.parse` meets one, it runs and puts its exit code into
/// `exit_code`, which must live until then. crypto::initialise() was called before.
void add_commands(CLI::App& app, int& exit_code);

/// Each adds one.
void add_key_command(CLI::App& app, int& exit_code);     // key gen | show | psk
void add_peer_command(CLI::App& app, int& exit_code);    // peer add | list | remove
void add_outbox_command(CLI::App& app, int& exit_code);  // outbox list | stats | flush | purge
void add_invite_command(CLI::App& app, int& exit_code);
void add_join_command(CLI::App& app, int& exit_code);
void add_pub_command(CLI::App& app, int& exit_code);
void add_sub_command(CLI::App& app, int& exit_code);
void add_rr_command(CLI::App& app, int& exit_code);
void add_ping_command(CLI::App& app, int& exit_code);
void add_bench_command(CLI::App& app, int& exit_code);

}  // namespace sts::cli
