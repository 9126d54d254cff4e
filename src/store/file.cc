#include "store/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace sts::store {
namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// "cannot <what> <path>: <errno>".
tl::unexpected<Error> os_error(std::string_view what, const std::string& path) {
  const int number = errno;
  return fail(Errc::io, fmt::format("cannot {} {}: {}", what, path, std::strerror(number)));
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// Makes the names in a directory as durable as the files' contents.
bool sync_directory(const fs::path& directory) {
  const Descriptor fd(
      ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // EINVAL: a file system without the notion.
  return fd && (::fsync(fd.get()) == 0 || errno == EINVAL);
}

bool foreign(uid_t owner) {
  const uid_t self = ::geteuid();
  return self != 0 && owner != self && owner != 0;
}

Result<void> check(const fs::path& path, const File& file, mode_t refused, std::string_view verb) {
  const std::string name = path.string();
  if (foreign(file.owner)) {
    return fail(Errc::refused, fmt::format("{} belongs to another user", name),
                fmt::format("sudo chown {} {}", ::geteuid(), shell_word(name)));
  }
  if ((file.mode & refused) != 0) {
    return fail(Errc::refused, fmt::format("{} can be {} by others", name, verb),
                fmt::format("chmod 600 {}", shell_word(name)));
  }
  return {};
}

/// Like mkdir -p, but each new directory is 0700 from the start.
Result<void> make_directory(const fs::path& directory) {
  fs::path made;
  for (const auto& part : directory) {
    made /= part;
    if (part.empty()) continue;
    if (::mkdir(made.c_str(), 0700) == 0) {
      if (!sync_directory(made.parent_path())) return os_error("sync", made.parent_path().string());
    } else if (!fs::is_directory(made)) {
      return os_error("make the directory", made.string());
    }
  }
  return {};
}

}  // namespace

Result<WipedText> read_descriptor(int descriptor, const std::string& name, std::size_t limit) {
  WipedText text;
  std::array<char, 4096> chunk{};
  ssize_t got = 0;
  while ((got = ::read(descriptor, chunk.data(), chunk.size())) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;
    append(text, {chunk.data(), static_cast<std::size_t>(got)});
    if (text.size() > limit) break;
  }
  const int number = errno;
  sodium_memzero(chunk.data(), chunk.size());
  errno = number;
  if (got < 0) return os_error("read", name);
  if (text.size() > limit) {
    return fail(Errc::limit, fmt::format("{} is larger than {} bytes", name, limit));
  }
  return text;
}

Result<std::optional<File>> read_file(const fs::path& path, std::size_t limit) {
  const std::string name = path.string();
  // O_NONBLOCK: a pipe that nobody writes to must not hold us up.
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd && errno == ENOENT) return std::nullopt;
  if (!fd) return os_error("read", name);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return os_error("read", name);
  if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) {
    return fail(Errc::bad_input, fmt::format("{} is {}, not a file", name,
                                             S_ISDIR(status.st_mode) ? "a directory" : "a device"));
  }
  if (::fcntl(fd.get(), F_SETFL, 0) != 0) return os_error("read", name);
  auto text = read_descriptor(fd.get(), name, limit);
  if (!text) return tl::unexpected(text.error());
  return File{std::move(*text), status.st_mode, status.st_uid};
}

Result<void> check_home(const Home& home) {
  const std::string name = home.directory().string();
  struct stat status {};
  if (::stat(name.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return os_error("open", name);
  }
  if (foreign(status.st_uid)) {
    return fail(Errc::refused, fmt::format("{} belongs to another user", name),
                "set STS_HOME to a directory of your own");
  }
  // In a sticky directory others can add files and not replace ours.
  if ((status.st_mode & 022U) != 0 && (status.st_mode & S_ISVTX) == 0) {
    return fail(Errc::refused, fmt::format("{} can be written by others", name),
                fmt::format("chmod 700 {}", shell_word(name)));
  }
  return {};
}

Result<void> check_private(const fs::path& path, const File& file) {
  return check(path, file, 077, "read");
}

Result<void> check_trusted(const fs::path& path, const File& file) {
  return check(path, file, 022, "written");
}

std::string shell_word(const std::string& text) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@";
  if (!text.empty() && text.find_first_not_of(plain) == std::string::npos) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
  }
  return lines;
}

Result<HomeLock> HomeLock::acquire(const Home& home) {
  auto ready = make_directory(home.directory()).and_then([&] { return check_home(home); });
  if (!ready) return tl::unexpected(ready.error());
  const std::string name = (home.directory() / "lock").string();
  Descriptor fd(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return os_error("open", name);
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return os_error("lock", name);
  }
  return HomeLock(fd.release());
}

Result<void> write_file(const HomeLock&, const fs::path& path, std::string_view text,
                        Existing existing) {
  // The lock makes the name ours, so that a crash leaves at most this one behind.
  const std::string fresh = path.string() + ".new";
  ::unlink(fresh.c_str());
  const Descriptor fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return os_error("write", fresh);
  const auto place = existing == Existing::replace ? ::rename : ::link;
  if (!write_all(fd.get(), text) || ::fsync(fd.get()) != 0 ||
      place(fresh.c_str(), path.c_str()) != 0 || !sync_directory(path.parent_path())) {
    auto error = os_error("write", path.string());
    ::unlink(fresh.c_str());
    return error;
  }
  if (existing == Existing::keep) ::unlink(fresh.c_str());
  return {};
}

}  // namespace sts::store
