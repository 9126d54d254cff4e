// Marks on a file that are not in it: extended attributes. Whoever writes an older copy over the
// file leaves them as they are, so that what is in it and what is on it disagree.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sts::store {

/// By the file's name and never through a descriptor: closing one would take SQLite's locks away.
class FileMarks {
 public:
  explicit FileMarks(std::filesystem::path path) : path_(std::move(path)) {}

  /// Takes all others off. Whether this one was on the file, empty: none was. True where the file
  /// system keeps no such attributes.
  bool keep_only(ByteView mark) const;
  Result<void> add(ByteView mark) const;
  void remove(ByteView mark) const;

 private:
  std::filesystem::path path_;
};

}  // namespace sts::store
