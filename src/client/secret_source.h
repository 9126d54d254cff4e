// Where a secret comes from, when it doesn't stand in a config: never from the command line, which
// every user of the machine can read.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace sts::client {

/// Reads the secret that `source` names, without the newline at its end:
///   file:PATH   a file, which others must not be able to read
///   fd:NUMBER   an open file descriptor, read to its end
///   env:NAME    an environment variable
///   cred:NAME   a systemd credential: the file NAME in $CREDENTIALS_DIRECTORY
///   prompt      a person at the terminal, without echo, who is asked for `what`
/// 1 to 65535 bytes. The error names the source, never what was read.
Result<std::string> read_secret(std::string_view source, std::string_view what);

}  // namespace sts::client
