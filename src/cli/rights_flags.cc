#include "cli/rights_flags.h"

#include <CLI/CLI.hpp>

namespace sts::cli {

void add_rights(CLI::App& app, store::Rights& rights) {
  const auto add = [&](const char* flag, std::vector<std::string>& filters, const char* help) {
    app.add_option(flag, filters, help)->allow_extra_args(false);
  };
  add("--reads", rights.reads, "filter of our topics that it may read");
  add("--writes", rights.writes, "filter of topics where it is believed");
}

}  // namespace sts::cli
