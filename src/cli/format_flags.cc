#include "cli/format_flags.h"

#include <CLI/CLI.hpp>

namespace sts::cli {

void FormatFlags::add_to(CLI::App& app) {
  app.add_flag("-v,--verbose", choices_.verbose, "the topic, and who sent it, before the message")
      ->group(group);
  app.add_flag("-N", no_newline_, "no newline behind a message")->group(group);
  app.add_option("-F", choices_.pattern, "format: %t topic, %p payload; sts-sub(1) has all")
      ->group(group);
  app.add_option("--format", style_, "text, json, hex, base64 or raw")->group(group);
}

Result<FormatChoices> FormatFlags::choices() const {
  auto style = parse_style(style_);
  if (!style) return tl::unexpected(style.error());
  auto out = choices_;
  out.style = *style;
  out.newline = !no_newline_;
  return out;
}

}  // namespace sts::cli
