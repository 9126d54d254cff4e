// The flags that say what is to be sent, of which each command takes exactly one.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace sts::cli {

class PayloadFlags {
 public:
  /// -m, -f, -s and -n, to `app`, which must not outlive this. `what` is what help calls it.
  void add_to(CLI::App& app, const std::string& what);
  /// -l besides, whose lines the caller reads.
  void add_lines(CLI::App& app);

  bool lines() const { return lines_; }
  /// Reads the file or the standard input; empty with -l. Errc::bad_input where none or more than
  /// one of the flags was given.
  Result<Bytes> read() const;

 private:
  std::optional<std::string> text_;
  std::string file_;
  bool whole_stdin_ = false, empty_ = false, lines_ = false;
  std::string choices_ = "one of -m TEXT, -f FILE, -s and -n";
};

}  // namespace sts::cli
