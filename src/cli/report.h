// What a subcommand says of its end, and of trouble on the way: to the standard error.
#pragma once

#include <CLI/App.hpp>

#include "base/result.h"
#include "client/messenger.h"

namespace sts::cli {

/// "error: ..." and "hint: ...".
void show(const Error& error);
/// The same; warnings too, and of what is only information that one of them is over.
void show(const client::Line& line);

/// The exit code for how a subcommand ended: 0, or after the error and its hint went to stderr 2
/// for what a person wrote wrong (Errc::bad_input), else 1. Output that stdout would not take is an
/// error too.
int report(const Result<void>& outcome);

/// The exit code for what `app.parse` threw: 0 after a help or version text went to stdout, 2 after
/// an error and a hint went to stderr.
int report(const CLI::App& app, const CLI::ParseError& error);

}  // namespace sts::cli
