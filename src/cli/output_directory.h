// A file for each message.
#pragma once

#include <filesystem>
#include <memory>

#include "cli/output_file.h"

namespace sts::cli {

/// Makes the directory, 0700, where it is missing. The files are TOPIC.YYYYmmddTHHMMSS.mmmZ.COUNTER
/// (see topic_file_name; UTC; the counter from 000001 on); none has its name before all of it is
/// written, and none replaces another.
Result<std::unique_ptr<Output>> open_directory_output(const std::filesystem::path& directory);

}  // namespace sts::cli
