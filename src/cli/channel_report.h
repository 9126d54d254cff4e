// What `sts sub` says of channels besides the messages: to the standard error.
#pragma once

#include <vector>

#include "client/channel_reader.h"

namespace sts::cli {

/// A line for each sender and topic.
void show_report(const std::vector<client::ChannelReader::Report>& report);

}  // namespace sts::cli
