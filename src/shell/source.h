// Files of commands, for `source`.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace sts::shell {

/// The files that are being read, each called by the one below it.
class Sources {
 public:
  static constexpr std::size_t max_depth = 8;
  static constexpr std::size_t max_bytes = std::size_t{1} << 20U;  // of one file

  Result<void> push(const std::string& path);
  /// The next line; nullopt where all files are at their end.
  std::optional<std::string> next();
  void clear() { files_.clear(); }
  bool empty() const { return files_.empty(); }
  /// "FILE:LINE: " of the line that next() gave last; empty without a file.
  std::string where() const;

 private:
  struct File {
    std::string path, text;
    std::size_t at = 0, line = 0;
  };
  std::vector<File> files_;
};

}  // namespace sts::shell
