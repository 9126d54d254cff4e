// Completion for shells: scripts made of the commands' own definitions.
#pragma once

#include <CLI/App.hpp>
#include <string>

namespace sts::cli {

/// Defines _sts and binds it to sts; bash 4 or newer.
std::string bash_completion(const CLI::App& app);
/// A file _sts for $fpath.
std::string zsh_completion(const CLI::App& app);

}  // namespace sts::cli
