#include "store/file_marks.h"

#include <fmt/format.h>
#include <sys/xattr.h>

#include <cerrno>
#include <cstring>

#include "base/hex.h"

namespace sts::store {
namespace {

constexpr std::string_view prefix = "user.sts.";

std::string name_of(ByteView mark) { return std::string(prefix) + to_hex(mark); }

}  // namespace

bool FileMarks::keep_only(ByteView mark) const {
  std::string names(4096, '\0');
  const auto size = ::llistxattr(path_.c_str(), names.data(), names.size());
  if (size < 0) return errno == ENOTSUP;
  names.resize(static_cast<std::size_t>(size));
  bool found = mark.empty();
  for (std::size_t at = 0; at < names.size(); at = names.find('\0', at) + 1) {
    const std::string name = names.c_str() + at;
    if (!name.starts_with(prefix)) continue;
    if (!mark.empty() && name == name_of(mark)) {
      found = true;
      continue;
    }
    // Of a process that was killed around its commit, or of what an older copy was written over.
    found = found && !mark.empty();
    (void)::lremovexattr(path_.c_str(), name.c_str());
  }
  return found;
}

Result<void> FileMarks::add(ByteView mark) const {
  if (::lsetxattr(path_.c_str(), name_of(mark).c_str(), "", 0, 0) == 0 || errno == ENOTSUP) {
    return {};
  }
  return fail(Errc::io, fmt::format("{}: {}", path_.string(), std::strerror(errno)));
}

void FileMarks::remove(ByteView mark) const {
  (void)::lremovexattr(path_.c_str(), name_of(mark).c_str());
}

}  // namespace sts::store
