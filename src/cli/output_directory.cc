#include "cli/output_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/time.h"
#include "cli/format_bytes.h"
#include "cli/output_error.h"
#include "crypto/hash.h"

namespace sts::cli {
namespace {

namespace fs = std::filesystem;

std::string utc_stamp(WallClock now) {
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  const std::time_t seconds = second.time_since_epoch().count();
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  text[std::strftime(text, sizeof text, "%Y%m%dT%H%M%S", &utc)] = '\0';
  return fmt::format("{}.{:03}Z", text, std::chrono::floor<milliseconds>(now - second).count());
}

/// Fails with EEXIST rather than replace a file, wherever the file system is able to.
int rename_new(const fs::path& from, const fs::path& to) {
  const int done = ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE);
  if (done == 0 || (errno != EINVAL && errno != ENOSYS)) return done;
  if (::access(to.c_str(), F_OK) == 0) {
    errno = EEXIST;
    return -1;
  }
  return ::rename(from.c_str(), to.c_str());
}

class DirectoryOutput : public Output {
 public:
  explicit DirectoryOutput(fs::path directory) : directory_(std::move(directory)) {}

  Result<void> write(std::string_view topic, std::string_view text, WallClock now) override {
    // Hidden, and a name of its own even if two programs write here.
    std::string fresh = (directory_ / ".sts-XXXXXX").string();
    const int fd = ::mkostemp(fresh.data(), O_CLOEXEC);
    if (fd < 0) return message_error(topic, directory_, errno);
    std::size_t written = 0;
    bool done = write_whole(fd, text, written);
    int number = errno;
    if (::close(fd) != 0 && done) {
      done = false;
      number = errno;
    }
    if (done) {
      done = place(fresh, topic_file_name(topic) + "." + utc_stamp(now));
      number = errno;
    }
    if (done) return {};
    ::unlink(fresh.c_str());
    return message_error(topic, directory_, number);
  }

  /// All of the file system: the files are closed.
  Result<void> sync() override {
    const int fd = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool done = fd >= 0 && ::syncfs(fd) == 0;
    const int number = errno;
    if (fd >= 0) ::close(fd);
    if (done) return {};
    return output_error("cannot write to the directory", directory_, number);
  }

 private:
  bool place(const fs::path& fresh, const std::string& name) {
    do {
      if (rename_new(fresh, directory_ / fmt::format("{}.{:06}", name, ++counter_)) == 0)
        return true;
    } while (errno == EEXIST);
    return false;
  }

  fs::path directory_;
  std::uint64_t counter_ = 0;
};

}  // namespace

std::string topic_file_name(std::string_view topic) {
  constexpr std::size_t most = 160;
  constexpr std::size_t hashed = 16;  // bytes, twice the digits
  std::string name;
  for (const char c : topic) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || c == '_' || (!name.empty() && (c == '-' || c == '.'))) {
      name += c;
    } else if (c == '/') {
      name += '+';
    } else {
      name += '%';
      append_hex(name, as_bytes({&c, 1}), true);
    }
  }
  if (name.empty()) return "%";
  if (name.size() <= most) return name;
  name.resize(most - 2 * hashed - 1);
  name += '%';
  append_hex(name, ByteView(crypto::hash(as_bytes(topic))).first(hashed));
  return name;
}

Result<std::unique_ptr<Output>> open_directory_output(const fs::path& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return output_error("cannot make the directory", directory, errno);
  }
  if (::access(directory.c_str(), W_OK | X_OK) != 0) {
    return output_error("cannot write to the directory", directory, errno);
  }
  return std::make_unique<DirectoryOutput>(directory);
}

}  // namespace sts::cli
