// For the tests of the shell: a whole script at once.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "shell/shell_process.h"

namespace sts::shell {

struct Outcome {
  int exit_code;
  std::string said;

  bool has(const std::string& text) const { return said.find(text) != std::string::npos; }
};

/// Runs `script` to its end, from a file.
inline Outcome run(const std::string& script) {
  std::string name = std::filesystem::temp_directory_path() / "sts-script-XXXXXX";
  const int file = ::mkstemp(name.data());
  std::filesystem::remove(name);
  write_all(file, script);
  ::lseek(file, 0, SEEK_SET);
  ShellProcess shell(file);
  const int code = shell.exit_code();
  return {code, shell.said()};
}

}  // namespace sts::shell
