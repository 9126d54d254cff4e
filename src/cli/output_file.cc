#include "cli/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "cli/output_directory.h"
#include "cli/output_error.h"

namespace sts::cli {
namespace {

namespace fs = std::filesystem;

/// "20261123T221142Z"
std::string utc_stamp(WallClock now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc)};
}

/// What was rotated, in order of age.
struct Rotated {
  std::string stamp;
  std::uint64_t number = 0;
  auto operator<=>(const Rotated&) const = default;
  std::string suffix() const {
    return number == 0 ? "." + stamp : fmt::format(".{}.{}", stamp, number);
  }
};

/// nullopt where `suffix` is not exactly what Rotated::suffix makes: that file is not ours.
std::optional<Rotated> parse_suffix(std::string_view suffix) {
  constexpr std::string_view shape = ".ddddddddTddddddZ";
  if (suffix.size() < shape.size()) return std::nullopt;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 'd' ? !digit(suffix[i]) : suffix[i] != shape[i]) return std::nullopt;
  }
  Rotated rotated{std::string(suffix.substr(1, shape.size() - 1))};
  const auto rest = suffix.substr(shape.size());
  if (rest.size() > 10) return std::nullopt;
  for (const char c : rest.substr(std::min<std::size_t>(rest.size(), 1))) {
    if (!digit(c)) return std::nullopt;
    rotated.number = rotated.number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (rotated.suffix() != suffix) return std::nullopt;
  return rotated;
}

class FileOutput : public Output {
 public:
  explicit FileOutput(OutputChoices choices) : choices_(std::move(choices)) {}
  FileOutput(const FileOutput&) = delete;
  FileOutput& operator=(const FileOutput&) = delete;
  ~FileOutput() override {
    if (fd_ >= 0) ::close(fd_);
  }

  Result<void> open() {
    const int fd =
        ::open(choices_.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
    struct stat status {};
    if (fd < 0 || ::fstat(fd, &status) != 0) {
      const int number = errno;
      if (fd >= 0) ::close(fd);
      return output_error("cannot open", choices_.path, number);
    }
    // Of the old file everything was written: there is nothing left to lose in its close(), but
    // sync() would not know it any more.
    if (fd_ >= 0) {
      ::fdatasync(fd_);
      ::close(fd_);
    }
    fd_ = fd;
    regular_ = S_ISREG(status.st_mode);
    size_ = static_cast<std::uint64_t>(status.st_size);
    last_ = std::chrono::system_clock::from_time_t(status.st_mtime);
    if (!rotates()) return {};
    if (!regular_) {
      return fail(Errc::bad_input, fmt::format("{} is no file to rotate", choices_.path.string()),
                  "leave out --rotate-size and --rotate-time");
    }
    // Of a symbolic link the file is rotated, not the link.
    std::error_code error;
    const auto path = fs::canonical(choices_.path, error);
    if (!error) choices_.path = path;
    return {};
  }

  Result<void> write(std::string_view topic, std::string_view text, WallClock now) override {
    if (due(text.size(), now)) {
      if (auto rotated = rotate(now); !rotated) return rotated;
    }
    std::size_t written = 0;
    const bool whole = write_whole(fd_, text, written);
    const int number = errno;
    if (!whole && written > 0) written = cut_back(written);
    size_ += written;
    last_ = now;
    if (!whole) return message_error(topic, choices_.path, number);
    return {};
  }

  Result<void> sync() override {
    if (!regular_ || ::fdatasync(fd_) == 0) return {};
    return output_error("cannot finish", choices_.path, errno);
  }

  Result<void> close() override {
    if (::close(std::exchange(fd_, -1)) == 0) return {};
    return output_error("cannot finish", choices_.path, errno);
  }

 private:
  bool rotates() const { return choices_.rotate_size > 0 || choices_.rotate_time.count() > 0; }

  bool due(std::size_t more, WallClock now) const {
    if (size_ == 0) return false;
    if (choices_.rotate_size > 0 && size_ + more > choices_.rotate_size) return true;
    if (choices_.rotate_time.count() <= 0) return false;
    const auto period = [this](WallClock at) {
      return std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()) / choices_.rotate_time;
    };
    return period(now) > period(last_);
  }

  /// Half a message must not stay, unless somebody else appended to it. What is left of it.
  std::size_t cut_back(std::size_t written) const {
    struct stat status {};
    const bool alone = regular_ && ::fstat(fd_, &status) == 0 &&
                       static_cast<std::uint64_t>(status.st_size) == size_ + written;
    return alone && ::ftruncate(fd_, static_cast<off_t>(size_)) == 0 ? 0 : written;
  }

  Result<void> rotate(WallClock now) {
    std::error_code error;
    auto old = rotated_files(error);
    if (error) return output_error("cannot rotate", choices_.path, error.value());
    Rotated next{utc_stamp(now)};
    // Never before the youngest in order, even if the clock was set back.
    if (!old.empty() && old.back().stamp >= next.stamp) {
      next = {old.back().stamp, old.back().number + 1};
    }
    const fs::path name = choices_.path.string() + next.suffix();
    // ENOENT: somebody else took the file away; what is in it is theirs now.
    if (::rename(choices_.path.c_str(), name.c_str()) != 0 && errno != ENOENT) {
      return output_error("cannot rotate", choices_.path, errno);
    }
    if (auto opened = open(); !opened) return opened;
    // What cannot be deleted now is tried again at the next rotation.
    if (choices_.rotate_keep > 0) prune(old, choices_.rotate_keep - 1);
    return {};
  }

  std::vector<Rotated> rotated_files(std::error_code& error) const {
    std::vector<Rotated> found;
    const std::string base = choices_.path.filename().string();
    const auto directory = choices_.path.parent_path();
    for (fs::directory_iterator at(directory.empty() ? "." : directory, error), end;
         !error && at != end; at.increment(error)) {
      const std::string name = at->path().filename().string();
      if (!name.starts_with(base)) continue;
      if (auto rotated = parse_suffix(std::string_view{name}.substr(base.size()))) {
        found.push_back(std::move(*rotated));
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  void prune(const std::vector<Rotated>& old, std::size_t keep) const {
    for (std::size_t i = 0; i + keep < old.size(); ++i) {
      ::unlink((choices_.path.string() + old[i].suffix()).c_str());
    }
  }

  OutputChoices choices_;
  int fd_ = -1;
  bool regular_ = false;
  std::uint64_t size_ = 0;
  WallClock last_;  // when something was written
};

}  // namespace

Result<std::unique_ptr<Output>> open_output(const OutputChoices& choices) {
  const bool rotates = choices.rotate_size > 0 || choices.rotate_time.count() > 0;
  std::error_code ignored;
  if (choices.path.string().ends_with('/') || fs::is_directory(choices.path, ignored)) {
    if (rotates || choices.rotate_keep > 0) {
      return fail(Errc::bad_input,
                  fmt::format("{} is a directory: it does not rotate", choices.path.string()),
                  "leave out the --rotate options, or give the name of a file");
    }
    return open_directory_output(choices.path);
  }
  if (choices.rotate_keep > 0 && !rotates) {
    return fail(Errc::bad_input, "--rotate-keep alone rotates nothing",
                "add --rotate-size or --rotate-time");
  }
  auto file = std::make_unique<FileOutput>(choices);
  if (auto opened = file->open(); !opened) return tl::unexpected(opened.error());
  return file;
}

}  // namespace sts::cli
