// Errors of the output files.
#pragma once

#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sts::cli {

/// "WHAT PATH: the reason that `number` (an errno) stands for", and how to mend it.
tl::unexpected<Error> output_error(std::string_view what, const std::filesystem::path& path,
                                   int number);
/// "cannot write the message on TOPIC to PATH: ...".
tl::unexpected<Error> message_error(std::string_view topic, const std::filesystem::path& path,
                                    int number);

/// False with errno set; how much was written before is added to `written`.
bool write_whole(int fd, std::string_view text, std::size_t& written);

}  // namespace sts::cli
