// Where `sts sub --output` puts what it shows: a file that rotates, or a directory with a file for
// each message.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sts::cli {

using WallClock = std::chrono::system_clock::time_point;

struct OutputChoices {
  /// An existing directory, or a name that ends in a slash: a file for each message. Else a file.
  std::filesystem::path path;
  std::uint64_t rotate_size = 0;        // bytes; 0: never
  std::chrono::seconds rotate_time{0};  // at multiples of it since 1970, UTC; 0: never
  std::size_t rotate_keep = 0;          // rotated files; 0: all
};

class Output {
 public:
  virtual ~Output() = default;
  /// Writes one message, as shown, whole or not at all: an error (Errc::io) says that it is not
  /// there, and the next one may be tried all the same.
  virtual Result<void> write(std::string_view topic, std::string_view text, WallClock now) = 0;
  /// What was written survives the loss of power from now on.
  virtual Result<void> sync() = 0;
  /// What the system reports only now. Nothing may be written afterwards.
  virtual Result<void> close() { return {}; }
};

/// New files are 0600; an existing file keeps its mode and is appended to. A rotated file is called
/// FILE.YYYYmmddTHHMMSSZ, after the moment of its rotation in UTC, with .1, .2... where that is
/// taken; a file is rotated before the message that would make it too large, or is of a new time.
/// Errc::bad_input for choices that exclude each other, Errc::io where the file cannot be opened.
Result<std::unique_ptr<Output>> open_output(const OutputChoices& choices);

/// The topic as a part of a file name, of 160 bytes at most, never empty, "." or "..", and never
/// hidden: a slash is '+', which no topic has, letters, digits, '_' and (but for the first) '-' and
/// '.' stay, and all else is %XX. What is too long ends in '%' and a hash of the topic.
std::string topic_file_name(std::string_view topic);

}  // namespace sts::cli
