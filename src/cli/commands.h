// The subcommands that main() offers, one file each.
#pragma once

#include <CLI/App.hpp>

#include "base/result.h"

namespace sts::cli {

/// Each adds its subcommand to `app`. When `app.parse` meets it, it runs and puts its exit code, 0
/// or 1, into `exit_code`, which must live until then. crypto::initialise() was called before.
void add_key_command(CLI::App& app, int& exit_code);   // key gen | show
void add_peer_command(CLI::App& app, int& exit_code);  // peer add | list | remove

/// The exit code for how a subcommand ended: 0, or 1 after the error and its hint went to stderr.
/// Output that stdout would not take is an error too.
int report(const Result<void>& outcome);

}  // namespace sts::cli
