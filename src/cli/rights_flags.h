// --reads and --writes: what a peer may do.
#pragma once

#include <CLI/App.hpp>

#include "store/peers.h"

namespace sts::cli {

/// To `app`; `rights` must live until it was parsed.
void add_rights(CLI::App& app, store::Rights& rights);

}  // namespace sts::cli
