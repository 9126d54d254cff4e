// The flags that say how a message is shown.
#pragma once

#include <CLI/App.hpp>
#include <string>

#include "cli/format.h"

namespace sts::cli {

class FormatFlags {
 public:
  /// To `app`, which must not outlive this.
  void add_to(CLI::App& app);
  /// Errc::bad_input where there is no such style.
  Result<FormatChoices> choices() const;

  static constexpr auto group = "Output";

 private:
  FormatChoices choices_;
  std::string style_ = "text";
  bool no_newline_ = false;
};

}  // namespace sts::cli
