#include "cli/channel_report.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/text.h"

namespace sts::cli {

void show_report(const std::vector<client::ChannelReader::Report>& report) {
  for (const auto& [sender, counted] : report) {
    fmt::print(stderr, "{} {}: {}\n", sender, printable(counted.topic),
               client::to_words(counted.counts));
  }
}

}  // namespace sts::cli
