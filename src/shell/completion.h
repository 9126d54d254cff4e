// What Tab offers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shell/command.h"

namespace sts::shell {

struct Completions {
  std::size_t word = 0;                 // where in the line the word begins
  std::vector<std::string> candidates;  // for the word, sorted; each begins with what is typed
  std::string suffix;                   // to add where there is one candidate only
};

/// For a line that was typed up to the cursor: names of commands, then what the command's
/// `completion` and `words` say. Paths are listed as the file system has them now; names that are
/// not printable are left out.
Completions complete(Shell& shell, std::string_view line);

/// `path` with a leading "~/" replaced by $HOME's directory.
std::string expand_home(std::string_view path);

}  // namespace sts::shell
