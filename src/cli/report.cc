#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/commands.h"

namespace sts::cli {

int report(const Result<void>& outcome) {
  auto ended = outcome;
  if (ended && (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)) {
    ended = fail(Errc::io, fmt::format("cannot write the output: {}", std::strerror(errno)));
  }
  if (ended) return 0;
  fmt::print(stderr, "error: {}\n", ended.error().message);
  if (!ended.error().hint.empty()) fmt::print(stderr, "hint: {}\n", ended.error().hint);
  return 1;
}

}  // namespace sts::cli
