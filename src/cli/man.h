// Manual pages: prose from docs/man/*.in, flags from the command itself.
#pragma once

#include <CLI/App.hpp>
#include <string>

#include "base/result.h"

namespace sts::cli {

/// The page in mdoc(7). The line "@FLAGS@" of `prose` becomes the list of all flags, by group.
/// Errc::bad_input where there is no such line.
Result<std::string> manual(const CLI::App& command, const std::string& prose);

}  // namespace sts::cli
