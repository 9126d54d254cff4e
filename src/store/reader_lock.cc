#include "store/reader_lock.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "crypto/hash.h"
#include "store/file.h"

namespace sts::store {

Result<ReaderLock> ReaderLock::acquire(const Home& home, std::string_view client_id) {
  // Makes the directory.
  if (auto made = HomeLock::acquire(home); !made) return tl::unexpected(made.error());
  const std::string name = (home.directory() / "readers.lock").string();
  ReaderLock out(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  const auto os_error = [&](std::string_view what) {
    return fail(Errc::io, fmt::format("cannot {} {}: {}", what, name, std::strerror(errno)));
  };
  if (out.descriptor_ < 0) return os_error("open");
  // A byte of the file for each id, so that no file is left behind for each.
  const auto digest = crypto::hash(as_bytes(client_id));
  struct flock byte {};
  byte.l_type = F_WRLCK;
  byte.l_whence = SEEK_SET;
  byte.l_len = 1;
  for (std::size_t i = 0; i < 7; ++i) byte.l_start = byte.l_start << 8 | digest[i];
  if (::fcntl(out.descriptor_, F_OFD_SETLK, &byte) == 0) return out;
  if (errno != EAGAIN && errno != EACCES) return os_error("lock");
  return fail(Errc::refused,
              fmt::format("another sts reads channels as {} already", printable(client_id)),
              "end it, or give this one an id of its own: -i ID");
}

}  // namespace sts::store
